"""The calls of the JSON API. A view's declaration validates the input and describes the call.

    @api_bp.post("/stop")
    @needs(Permission.OPERATE)
    @call(CallTag.LIFECYCLE, "Stop a deployment", example=…, errors=(StopFailed,))
    def stop_by_script(body: DeploymentBody) -> StoppedAnswer | AcceptedAnswer:

The view's annotations are the rest of the declaration: the argument `body` is the request's JSON
object, `query` holds the query parameters, and the return type lists the answers. The docstring
is the call's description.
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
# Errors of calls that ask Docker Engine, start an operation, or wait for a gateway.
ENGINE = (EngineUnreachable, EngineDenied, EngineSilent, EngineRefused)
BEGINNING = (Busy, DeploymentInvalid, *ENGINE)
BRINGING_UP = (*BEGINNING, LaunchFailed, LaunchTimeout, WasCancelled, TooManyWaiting)


class CallTag(StrEnum):
    """The groups of calls, in the order of the document."""

    DEPLOYMENTS = "Deployments"
    LIFECYCLE = "Launching and stopping"
    LOGS = "Logs and history"
    ACCESS = "Opening a gateway's page"
    PROVIDER = "The provider"
    ARCHIVE = "The archive"
    HOST = "The host"
    API = "This API"


@dataclass(frozen=True, slots=True)
class Example:
    """One request and its answer. `path` holds the values of the path parameters."""

    answer: AnswerPart | Sequence[AnswerPart] | str
    body: CallBody | None = None
    query: Mapping[str, str | int] = field(default_factory=dict)
    path: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """The declaration of a view.

    `answers` are the view's return types. `media` are the content types besides JSON that a caller
    can request.
    """

    tag: CallTag
    summary: str
    description: str
    example: Example
    body: type[CallBody] | None
    query: type[CallQuery] | None
    answers: tuple[Any, ...]
    errors: tuple[type[UserError], ...]
    media: tuple[str, ...]


def call(
    tag: CallTag,
    summary: str,
    *,
    example: Example,
    errors: Sequence[type[UserError]] = (),
    media: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], Callable[..., ResponseReturnValue]]:
    """Declare a call. `errors` are the call's own errors; errors of every call are added."""

    def declare(view: Callable[..., Any]) -> Callable[..., ResponseReturnValue]:
        hints = get_type_hints(view)
        declared = Call(
            tag,
            summary,
            " ".join((view.__doc__ or "").split()),
            example,
            hints.get("body"),
            hints.get("query"),
            tuple(each for each in _union_members(hints["return"]) if each is not Response),
            tuple(errors),
            tuple(media),
        )

        @wraps(view)
        def answer(**arguments: Any) -> ResponseReturnValue:
            if declared.body:
                arguments["body"] = _validated(declared.body, json_object())
            if declared.query:
                # Forms send empty parameters; they count as absent.
                present = {name: text for name, text in request.args.items() if text}
                arguments["query"] = _validated(declared.query, present)
            return _response(view(**arguments))

        answer.call = declared  # type: ignore[attr-defined]
        return answer

    return declare


def call_of(view: Callable[..., Any]) -> Call | None:
    """Return the declaration of a view."""
    return getattr(view, "call", None)


def _union_members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _response(answer: AnswerPart | Sequence[AnswerPart] | Response) -> Response:
    if isinstance(answer, Response):
        return answer
    if not isinstance(answer, AnswerPart):
        return jsonify([each.as_json() for each in answer])
    response = jsonify(answer.as_json())
    response.status_code = answer.http_status
    response.headers.update(answer.headers())
    return response


def _validated(model: type[Model], given: Mapping[str, Any]) -> Model:
    """Raise InputRejected with a message for each wrong field."""
    try:
        return model.model_validate(given)
    except ValidationError as invalid:
        properties = model.model_json_schema().get("properties", {})
        raise InputRejected({
            ".".join(map(str, error["loc"])) or "body": _message(error, properties)
            for error in invalid.errors(include_url=False)
        }) from None  # fmt: skip


_MESSAGES = {
    "extra_forbidden": "is not a known key",
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
    """Return the request's JSON object. Abort with 415 or 400 if the body is not JSON.

    Raises InputRejected if the body is JSON, but not an object.
    """
    if request.mimetype != "application/json":
        abort(415, "Send the body as JSON, with the header Content-Type: application/json.")
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):
        abort(400, "The body is not JSON.")
    if not isinstance(body, dict):
        raise InputRejected({"body": "must be a JSON object"})
    return body
