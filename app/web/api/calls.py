"""A call of the JSON API: one declaration reads what is sent, answers, and describes it all.

    @bp.post("/stop")
    @needs(Permission.OPERATE)
    @call(Subject.RUNNING, "Stops a deployment", example=…, errors=(StopFailed,))
    def stop(body: ForDeployment) -> Stopped | Accepted:

What a call takes and answers stands in the view's own annotations: an argument `body`
is the JSON object that was sent, `query` what the address says after `?`. The view's
docstring is the call's description.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from flask import Response, abort, jsonify
from flask.typing import ResponseReturnValue
from htmx_flask import request
from pydantic import BaseModel, ValidationError

from app.core.answers import AnswerPart
from app.core.errors import (
    Busy,
    DeploymentInvalid,
    EngineDenied,
    EngineRefused,
    EngineSilent,
    EngineUnreachable,
    InputRejected,
    LaunchFailed,
    LaunchTimeout,
    TooManyWaiting,
    UserError,
    WasCancelled,
)
from app.web.api.shapes import CallBody, CallQuery

Model = TypeVar("Model", bound=BaseModel)
# The errors of whatever asks the engine, begins an operation, and waits for a gateway.
ENGINE = (EngineUnreachable, EngineDenied, EngineSilent, EngineRefused)
BEGINNING = (Busy, DeploymentInvalid, *ENGINE)
BRINGING_UP = (*BEGINNING, LaunchFailed, LaunchTimeout, WasCancelled, TooManyWaiting)


class Subject(StrEnum):
    """What calls are about, in the order in which they are described."""

    DEPLOYMENTS = "Deployments"
    RUNNING = "Launching and stopping"
    LOOKING = "Logs and history"
    OPENING = "Opening a gateway's page"
    PROVIDER = "The provider"
    ARCHIVE = "The archive"
    HOST = "The host"
    API = "This API"


@dataclass(frozen=True, slots=True)
class Example:
    """One call as it is sent, and its answer. `path` are the parts of its address."""

    answer: AnswerPart | Sequence[AnswerPart] | str
    body: CallBody | None = None
    query: Mapping[str, str | int] = field(default_factory=dict)
    path: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """What a view declares. `answers` are the types of what it may answer.

    `media` are content types that it answers beside JSON, to those who ask for them.
    """

    subject: Subject
    summary: str
    description: str
    example: Example
    body: type[CallBody] | None
    query: type[CallQuery] | None
    answers: tuple[Any, ...]
    errors: tuple[type[UserError], ...]
    media: tuple[str, ...]


def call(
    subject: Subject,
    summary: str,
    *,
    example: Example,
    errors: Sequence[type[UserError]] = (),
    media: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], Callable[..., ResponseReturnValue]]:
    """Declare a call. `errors` are those of its own; what every call may answer is known."""

    def declare(view: Callable[..., Any]) -> Callable[..., ResponseReturnValue]:
        hints = get_type_hints(view)
        declared = Call(
            subject,
            summary,
            " ".join((view.__doc__ or "").split()),
            example,
            hints.get("body"),
            hints.get("query"),
            tuple(each for each in _members(hints["return"]) if each is not Response),
            tuple(errors),
            tuple(media),
        )

        @wraps(view)
        def answer(**given: Any) -> ResponseReturnValue:
            if declared.body:
                given["body"] = _read(declared.body, json_object())
            if declared.query:
                given["query"] = _read(declared.query, _said(request.args))
            return _answered(view(**given))

        answer.call = declared  # type: ignore[attr-defined]
        return answer

    return declare


def call_of(view: Callable[..., Any]) -> Call | None:
    """Return what a view has declared."""
    return getattr(view, "call", None)


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _answered(given: AnswerPart | Sequence[AnswerPart] | Response) -> Response:
    if isinstance(given, Response):
        return given
    if not isinstance(given, AnswerPart):
        return jsonify([each.as_json() for each in given])
    response = jsonify(given.as_json())
    response.status_code = given.http_status
    response.headers.update(given.headers())
    return response


def _said(arguments: Mapping[str, str]) -> dict[str, str]:
    """Return what an address says: what is empty in it is not said."""
    return {name: text for name, text in arguments.items() if text}


def _read(model: type[Model], given: Mapping[str, Any]) -> Model:
    """Raises InputRejected, with what is wrong in our words."""
    try:
        return model.model_validate(given)
    except ValidationError as invalid:
        properties = model.model_json_schema().get("properties", {})
        raise InputRejected({
            ".".join(map(str, error["loc"])) or "body": _message(error, properties)
            for error in invalid.errors(include_url=False)
        }) from None  # fmt: skip


_MESSAGES = {
    "extra_forbidden": "is not known here",
    "missing": "is needed",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "string_unicode": "must be text",
    "string_too_short": "must not be empty",
    "int_type": "must be a number",
    "list_type": "must be a list",
}


def _message(error: Any, properties: Mapping[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _MESSAGES:
        return _MESSAGES[kind]
    if kind == "value_error":
        return str(context["error"])
    if kind in ("enum", "literal_error"):
        return f"must be one of {', '.join(filter(None, _QUOTED.findall(context['expected'])))}"
    bounds = properties.get(str(error["loc"][0]), {}) if error["loc"] else {}
    if "minimum" in bounds and "maximum" in bounds:
        return f"must be a number from {bounds['minimum']} to {bounds['maximum']}"
    return str(error["msg"])


_QUOTED = re.compile("'([^']*)'")


def json_object() -> Mapping[str, Any]:
    """Return the request's JSON object. Answers 415 or 400 where it is none."""
    if request.mimetype != "application/json":
        abort(415, "Send the body as JSON, with the header Content-Type: application/json.")
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):
        abort(400, "The body is not JSON.")
    if not isinstance(body, dict):
        raise InputRejected({"body": "must be a JSON object"})
    return body
