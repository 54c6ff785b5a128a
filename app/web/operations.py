"""Operations: each on a page of its own, followed while it runs, and cancelled."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from app.core.deployment import parse_id
from app.core.people import Permission
from app.usecases.cancel import cancel_operation, wait_for_cancelled
from app.usecases.operations import describe, operation_of
from app.usecases.overview import show_deployment
from app.web.access import needs
from app.web.calls import accepted, checked
from app.web.rendering import done
from app.web.request import actor, world

bp = Blueprint("operations", __name__)
api_bp = Blueprint("operations_api", __name__, url_prefix="/api/deploy")


@bp.post("/deployments/<deployment_id>/cancel")
@needs(Permission.OPERATE)
def cancel(deployment_id: str) -> ResponseReturnValue:
    operation = cancel_operation(parse_id(deployment_id), actor=actor(), world=world())
    return done(f"The {operation.kind} is being cancelled.", deployment_id)


@api_bp.get("/operations/<deployment_id>/<int:number>")
@needs(Permission.VIEW)
def operation(deployment_id: str, number: int) -> ResponseReturnValue:
    found = operation_of(parse_id(deployment_id), number, world=world())
    return jsonify({"ok": True, **describe(found)})


@api_bp.post("/cancel")
@needs(Permission.OPERATE)
def cancel_and_wait() -> ResponseReturnValue:
    deployment_id = parse_id(checked({"deployment_id": str})["deployment_id"])
    told = cancel_operation(deployment_id, actor=actor(), world=world())
    ended = wait_for_cancelled(told, world=world())
    if ended is None:
        return accepted(told, "stopping")
    status = show_deployment(deployment_id, world=world()).verdict.status
    return jsonify(ok=True, deployment_id=deployment_id, status=status, operation=describe(ended))
