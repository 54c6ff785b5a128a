"""Health checks for monitors: is the process alive, and can it work? They show no secret."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from app.core.people import Permission
from app.usecases.server.health import readiness_of
from app.version import VERSION
from app.web.server.errors import problem
from app.web.server.permissions import needs
from app.web.server.request import app_context

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@needs(Permission.PUBLIC)
def alive() -> ResponseReturnValue:
    return jsonify(ok=True, version=VERSION)


@bp.get("/readyz")
@needs(Permission.PUBLIC)
def ready() -> ResponseReturnValue:
    found = readiness_of(app_context())
    parts = {name: problem or "ok" for name, problem in found.items()}
    if not any(found.values()):
        return jsonify(ok=True, parts=parts)
    detail = " ".join(filter(None, found.values()))
    return problem(503, "not_ready", "Deploy Agent can't do its work", detail, {"parts": parts})
