"""Opening a gateway's page under one more name: the button beside the address, and its call."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.deployment import parse_id
from app.core.people import Permission
from app.usecases.allow_origin import allow_origin, wait_for_allowed
from app.usecases.overview import show_deployment
from app.web.access import needs
from app.web.calls import accepted, checked
from app.web.rendering import done
from app.web.request import actor, world

bp = Blueprint("open", __name__)
api_bp = Blueprint("open_api", __name__, url_prefix="/api/deploy")


@bp.post("/deployments/<deployment_id>/allow-origin")
@needs(Permission.OPERATE)
def allow(deployment_id: str) -> ResponseReturnValue:
    origin = request.form.get("origin", "")
    allow_origin(parse_id(deployment_id), origin, actor=actor(), world=world())
    return done("The gateway is being told to allow it.", deployment_id)


@api_bp.post("/allow_origin")
@needs(Permission.OPERATE)
def allow_and_wait() -> ResponseReturnValue:
    given = checked({"deployment_id": str, "origin": str, "wait": bool}, optional=("wait",))
    deployment_id = parse_id(given["deployment_id"])
    started = allow_origin(deployment_id, given["origin"], actor=actor(), world=world())
    if given.get("wait", True) and wait_for_allowed(started, world=world()):
        card = show_deployment(deployment_id, world=world())
        return jsonify(
            ok=True,
            deployment_id=deployment_id,
            status=card.verdict.status,
            origin=started.operation.arguments["origin"],
        )
    return accepted(started.operation, "launching")
