"""The JSON API, kept from the older server so that existing scripts run unchanged."""

from collections.abc import Callable

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from app.core.deployment import parse_id
from app.core.people import Permission
from app.usecases.describe import describe_card, describe_whole
from app.usecases.launch import launch_deployment, wait_for_launch
from app.usecases.operations import Started
from app.usecases.overview import list_deployments, show_deployment
from app.usecases.readiness import ladder_of
from app.usecases.restart import restart_deployment
from app.usecases.reveal import reveal_secret
from app.usecases.stop import stop_deployment, wait_for_stop
from app.web.access import needs
from app.web.calls import accepted, checked
from app.web.links import walls
from app.web.request import actor, gateway_host, world

bp = Blueprint("api", __name__, url_prefix="/api/deploy")


@bp.get("/list")
@needs(Permission.VIEW)
def list_all() -> ResponseReturnValue:
    return jsonify([describe_card(card, gateway_host()) for card in list_deployments(world())])


@bp.post("/launch")
@needs(Permission.OPERATE)
def launch() -> ResponseReturnValue:
    return _bring_up(launch_deployment)


@bp.post("/restart")
@needs(Permission.OPERATE)
def restart() -> ResponseReturnValue:
    return _bring_up(restart_deployment)


def _bring_up(begin: Callable[..., Started]) -> ResponseReturnValue:
    """Begin what ends with a proven gateway, and wait for that unless told not to."""
    given = checked({"deployment_id": str, "wait": bool}, optional=("wait",))
    deployment_id = parse_id(given["deployment_id"])
    started = begin(deployment_id, actor=actor(), world=world())
    if given.get("wait", True) and wait_for_launch(started, world=world()):
        port = world().store.load(deployment_id).port
        return jsonify(ok=True, deployment_id=deployment_id, status="running", port=port)
    return accepted(started.operation, "launching")


@bp.get("/status/<deployment_id>")
@needs(Permission.VIEW)
def status(deployment_id: str) -> ResponseReturnValue:
    card = show_deployment(parse_id(deployment_id), world=world())
    described = describe_whole(
        card, gateway_host(), ladder_of(card, world=world()), walls(card.deployment)
    )
    return jsonify({"ok": True, **described})


@bp.post("/stop")
@needs(Permission.OPERATE)
def stop() -> ResponseReturnValue:
    deployment_id = parse_id(checked({"deployment_id": str})["deployment_id"])
    started = stop_deployment(deployment_id, actor=actor(), world=world())
    if wait_for_stop(started, world=world()):
        return jsonify(ok=True, deployment_id=deployment_id, status="stopped")
    return accepted(started.operation, "stopping")


@bp.post("/reveal")
@needs(Permission.OPERATE)
def reveal() -> ResponseReturnValue:
    given = checked({"deployment_id": str, "field": str})
    deployment_id = parse_id(given["deployment_id"])
    value = reveal_secret(deployment_id, given["field"], actor=actor(), world=world())
    return jsonify(ok=True, value=value)
