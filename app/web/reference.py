"""The JSON API's own description: the document for programs, and a page of it for people."""

from typing import Any, cast

from flask import Blueprint, Response, current_app, jsonify

from app.core.people import Permission
from app.web.access import needs
from app.web.calls import Example, Subject, call
from app.web.openapi import describe_api

bp = Blueprint("reference", __name__)


@bp.get("/api/openapi.json")
@needs(Permission.VIEW)
@call(
    Subject.API,
    "This description",
    example=Example("an OpenAPI 3.1 document"),
    media=["application/json"],
)
def document() -> Response:
    """As OpenAPI 3.1, for generated clients and other programs."""
    return jsonify(_document())


def _document() -> dict[str, Any]:
    """Return the document; it is made once."""
    if "openapi" not in current_app.extensions:
        current_app.extensions["openapi"] = describe_api(current_app)
    return cast(dict[str, Any], current_app.extensions["openapi"])
