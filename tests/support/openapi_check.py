"""Check every answer that a test gets against the API's own OpenAPI description.

The published description allows additional keys. Here they are forbidden: an answer with an
undescribed key fails the test.
"""

import gzip
import json
import re
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from app import create_app
from app.config import Settings
from app.web.api.openapi import PROBLEM, describe_api

# Statuses of errors without a described call: unknown path, wrong method.
_WITHOUT_A_CALL = (404, 405)


class CheckedClient(FlaskClient):
    """A test client that checks every answer of the API against the description."""

    def open(self, *args: Any, **more: Any) -> TestResponse:
        answer = super().open(*args, **more)
        request = answer.request
        if request.path.startswith("/api/") and request.method in ("GET", "POST"):
            packed = answer.headers.get("Content-Encoding") == "gzip"
            data = gzip.decompress(answer.data) if packed else answer.data
            check(request.method, request.path, answer.status_code, answer.mimetype, data)
            if more.get("json") is not None and answer.status_code < 300:
                check_sent(request.path, json.dumps(more["json"]).encode())
        return answer


def check(method: str, path: str, status: int, media: str, data: bytes) -> None:
    """Fail if an answer does not match the description."""
    asked = f"{method} {path} answered {status}"
    template = _template(method.lower(), path)
    if template is None:
        assert status in _WITHOUT_A_CALL, f"{asked}, and is not described"
        _hold(asked, _validator(), data)
        return
    responses = contract()["paths"][template][method.lower()]["responses"]
    assert str(status) in responses, f"{asked}, which is not described: {data[:500]!r}"
    response = _resolved(responses[str(status)])
    assert media in response["content"], f"{asked} as {media}, which is not described"
    if media in ("application/json", PROBLEM):
        _hold(asked, _validator(template, method.lower(), str(status), media), data)


def check_sent(path: str, data: bytes) -> None:
    """Fail if the body of an accepted request does not match the description."""
    template = _template("post", path)
    assert template
    if "requestBody" in contract()["paths"][template]["post"]:
        _hold(f"POST {path} was sent what", _validator(template), data)


def _hold(asked: str, validator: Draft202012Validator, data: bytes) -> None:
    wrong = [
        f"{each.json_path}: {each.message}" for each in validator.iter_errors(json.loads(data))
    ]
    assert not wrong, f"{asked}, not as described: {wrong}"


@cache
def contract() -> dict[str, Any]:
    """Return the description, with additional keys in answers forbidden."""
    with tempfile.TemporaryDirectory() as folder:
        document = describe_api(create_app(Settings(deployments_dir=Path(folder))))
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return document


@cache
def _templates() -> dict[str, re.Pattern[str]]:
    """Return a pattern for each path. Paths with fewer variables come first."""
    paths = sorted(contract()["paths"], key=lambda path: path.count("{"))
    return {path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in paths}


def _template(method: str, path: str) -> str | None:
    for template, pattern in _templates().items():
        if pattern.fullmatch(path) and method in contract()["paths"][template]:
            return template
        if template == path:
            return None  # This fixed path lacks this method, and is no id.
    return None


def _resolved(response: Mapping[str, Any]) -> Mapping[str, Any]:
    name = response.get("$ref", "").rpartition("/")[2]
    return contract()["components"]["responses"][name] if name else response


@cache
def _validator(*place: str) -> Draft202012Validator:
    """Return a validator for a call's answer, for a request body, or for any error.

    `place` is path, method, status and media type; or only a path; or empty.
    """
    schema: Mapping[str, Any] = {"$ref": "#/components/schemas/Problem"}
    if len(place) == 1:
        body = contract()["paths"][place[0]]["post"]["requestBody"]
        schema = body["content"]["application/json"]["schema"]
    elif place:
        template, method, status, media = place
        response = contract()["paths"][template][method]["responses"][status]
        schema = _resolved(response)["content"][media]["schema"]
    whole = {**schema, "components": contract()["components"]}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
