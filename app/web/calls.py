"""What all calls of the JSON API share: reading what was sent, and answering that work goes on."""

import json
from collections.abc import Mapping
from typing import Any

from flask import abort, jsonify, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.deployment import Operation
from app.core.errors import InputRejected
from app.usecases.operations import describe


def accepted(operation: Operation, status: str) -> ResponseReturnValue:
    """Answer 202: an operation was started and goes on."""
    location = url_for(
        "operations_api.operation",
        deployment_id=operation.deployment_id,
        number=operation.number,
    )
    answer = jsonify(
        ok=True,
        deployment_id=operation.deployment_id,
        status=status,
        operation=describe(operation),
    )
    return answer, 202, {"Location": location}


def number_in(name: str, otherwise: int, largest: int) -> int:
    """Return a number from 1 to `largest` that the address may give. Raises InputRejected."""
    text = request.args.get(name, str(otherwise))
    known = text.isascii() and text.isdecimal() and len(text) < 9
    if not (known and 1 <= int(text) <= largest):
        raise InputRejected({name: f"must be a number from 1 to {largest}"})
    return int(text)


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


def checked(expected: Mapping[str, type], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the request's JSON object after a check of its keys and types."""
    body = json_object()
    errors = {name: "is not known here" for name in body if name not in expected}
    for name, kind in expected.items():
        if name not in body:
            if name not in optional:
                errors[name] = "is needed"
        elif not isinstance(body[name], kind):
            errors[name] = "must be true or false" if kind is bool else "must be text"
        elif kind is str and not body[name]:
            errors[name] = "must not be empty"
    if errors:
        raise InputRejected(errors)
    return dict(body)
