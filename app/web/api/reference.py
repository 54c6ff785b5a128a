"""The description of the JSON API: the OpenAPI document, and the page made from the document."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, g, jsonify
from flask.typing import ResponseReturnValue
from htmx_flask import request
from markupsafe import Markup, escape

from app.core.people import LOCAL, Permission
from app.web.api.calls import CallTag, Example, call
from app.web.api.openapi import describe_api
from app.web.page.rendering import render
from app.web.server.permissions import needs

bp = Blueprint("reference", __name__)
_KINDS = {
    "date-time": "time, RFC 3339",
    "string": "text",
    "integer": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
}
_MARKS = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*")


@bp.get("/api")
@needs(Permission.VIEW)
def show() -> ResponseReturnValue:
    document = _document()
    about = document["info"]["description"].strip().split("\n\n")
    return render("api/show", about=about, subjects=_subjects(document), tab="API")


@bp.get("/api/openapi.json")
@needs(Permission.VIEW)
@call(
    CallTag.API,
    "Read this description as OpenAPI 3.1",
    example=Example("an OpenAPI 3.1 document"),
    media=["application/json"],
)
def document() -> Response:
    """For client generators and other programs."""
    return jsonify(_document())


def _document() -> dict[str, Any]:
    """Return the OpenAPI document. It is built once and kept."""
    if "openapi" not in current_app.extensions:
        current_app.extensions["openapi"] = describe_api(current_app)
    return cast(dict[str, Any], current_app.extensions["openapi"])


@bp.app_template_filter("marked")
def _marked(text: str) -> Markup:
    """Return a text as HTML, with its Markdown for code, strong and emphasis rendered."""

    def shown(found: re.Match[str]) -> str:
        code, strong, weak = found.groups()
        tag = "code" if code else "strong" if strong else "em"
        return f"<{tag}>{code or strong or weak}</{tag}>"

    return Markup(_MARKS.sub(shown, str(escape(text))))  # noqa: S704 - the text is escaped above


@dataclass(frozen=True, slots=True)
class _KeyRow:
    """One key of a body or an answer. The name of a nested key is its path."""

    name: str
    kind: str
    words: str
    needed: bool = False


@dataclass(frozen=True, slots=True)
class _ShownAnswer:
    """An answer of a successful call."""

    status: str
    words: str
    rows: list[_KeyRow]
    example: str


@dataclass(frozen=True, slots=True)
class _ShownCall:
    """A call, prepared for the page."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    changes: bool
    parameters: list[_KeyRow]
    body: list[_KeyRow]
    curl: str
    answers: list[_ShownAnswer]
    problems: list[tuple[str, str]]


def _subjects(document: Mapping[str, Any]) -> dict[str, list[_ShownCall]]:
    subjects: dict[str, list[_ShownCall]] = {each["name"]: [] for each in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            shown = _shown_call(path, method, operation, document["components"])
            subjects[operation["tags"][0]].append(shown)
    return {subject: calls for subject, calls in subjects.items() if calls}


def _shown_call(
    path: str, method: str, operation: Mapping[str, Any], components: Mapping[str, Any]
) -> _ShownCall:
    answers: list[_ShownAnswer] = []
    problems: list[tuple[str, str]] = []
    for status, each in operation["responses"].items():
        if "$ref" in each:
            listed = components["responses"][each["$ref"].rpartition("/")[2]]["description"]
            problems += [(status, line.removeprefix("- ")) for line in listed.splitlines()]
        else:
            answers += _shown_answers(status, each, components["schemas"])
    parameters = operation.get("parameters", [])
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return _ShownCall(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        changes=operation["x-permission"] == Permission.OPERATE,
        parameters=[
            _KeyRow(
                each["name"],
                _kind(_resolved(each["schema"], components["schemas"])),
                each.get("description", ""),
                each["in"] == "path",
            )
            for each in parameters
        ],
        body=list(_rows(body.get("schema", {}), components["schemas"])),
        curl=_curl(path, method, parameters, body.get("example")),
        answers=answers,
        problems=problems,
    )


def _shown_answers(
    status: str, response: Mapping[str, Any], schemas: Mapping[str, Any]
) -> Iterator[_ShownAnswer]:
    """Yield the answers with one status. The example belongs to the first answer."""
    content = response["content"].get("application/json", {})
    schema, example = content.get("schema", {}), content.get("example")
    shown = "" if example is None else json.dumps(example, indent=2, ensure_ascii=False)
    for number, each in enumerate(schema.get("anyOf", [schema])):
        whole = _resolved(each, schemas)
        words = whole.get("description", "") if "anyOf" in schema else response["description"]
        yield _ShownAnswer(status, words, list(_rows(each, schemas)), "" if number else shown)


def _rows(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], within: str = ""
) -> Iterator[_KeyRow]:
    """Yield the keys of an object and of its nested objects."""
    if schema.get("type") == "array":
        yield from _rows(schema["items"], schemas, f"{within}[].")
        return
    whole = _resolved(schema, schemas)
    for name, each in whole.get("properties", {}).items():
        needed = not within and name in whole.get("required", ())
        inner = _resolved(each, schemas)
        yield _KeyRow(within + name, _kind(inner), each.get("description", ""), needed)
        if inner.get("type") == "array":
            yield from _rows(inner["items"], schemas, f"{within}{name}[].")
        elif inner is not each:
            yield from _rows(inner, schemas, f"{within}{name}.")


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema that a reference names. For a nullable schema, return the non-null type."""
    for each in schema.get("anyOf", ()):
        if each.get("type") != "null":
            return {**_resolved(each, schemas), "nullable": len(schema["anyOf"]) > 1}
    reference = schema.get("$ref", "").rpartition("/")[2]
    return schemas[reference] if reference else schema


def _kind(schema: Mapping[str, Any]) -> str:
    """Return the description of a value's type, such as “true or false”."""
    if "const" in schema:
        kind = json.dumps(schema["const"])
    elif "enum" in schema:
        kind = f"one of {', '.join(map(str, filter(None, schema['enum'])))}"
    else:
        named = (schema.get("format"), schema.get("type"))
        kind = next((_KINDS[each] for each in named if each in _KINDS), "anything")
    return f"{kind}, or null" if schema.get("nullable") else kind


def _curl(
    path: str, method: str, parameters: Sequence[Mapping[str, Any]], body: Mapping[str, Any] | None
) -> str:
    """Return the example as a curl command, with the address that the reader uses."""
    given = [
        (each["in"], each["name"], each["example"]) for each in parameters if "example" in each
    ]
    for place, name, value in given:
        path = path.replace(f"{{{name}}}", str(value)) if place == "path" else path
    query = urlencode([(name, value) for place, name, value in given if place == "query"])
    address = request.url_root.rstrip("/") + path + (f"?{query}" if query else "")
    line = [f"curl {'-X POST ' if method == 'post' else ''}{shlex.quote(address)}"]
    if g.person is not LOCAL:
        line.append('-H "Authorization: Bearer $TOKEN"')
    if body is not None:
        line.append("-H 'Content-Type: application/json'")
        line.append(f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}")
    return " \\\n  ".join(line)
