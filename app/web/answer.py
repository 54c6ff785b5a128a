"""The provider's answer: the button on a deployment's page, and its two calls of the API."""

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue

from app.core.deployment import parse_id
from app.core.people import Permission
from app.usecases.answer import ask_provider, begin_asking, describe_answer, latest_answer
from app.usecases.overview import show_deployment
from app.web.access import needs
from app.web.calls import checked
from app.web.rendering import done
from app.web.request import actor, world

bp = Blueprint("answer", __name__)
api_bp = Blueprint("answer_api", __name__, url_prefix="/api/deploy/answer")


@bp.post("/deployments/<deployment_id>/answer")
@needs(Permission.OPERATE)
def ask(deployment_id: str) -> ResponseReturnValue:
    begin_asking(parse_id(deployment_id), actor=actor(), world=world())
    return done("The provider is being asked.", deployment_id)


@api_bp.get("/<deployment_id>")
@needs(Permission.VIEW)
def show_latest(deployment_id: str) -> ResponseReturnValue:
    return _described(parse_id(deployment_id))


@api_bp.post("")
@needs(Permission.OPERATE)
def ask_and_wait() -> ResponseReturnValue:
    deployment_id = parse_id(checked({"deployment_id": str})["deployment_id"])
    came = ask_provider(deployment_id, actor=actor(), world=world())
    answer = _described(deployment_id)
    answer.status_code = 200 if came else 202
    return answer


def _described(deployment_id: str) -> Response:
    heard = latest_answer(show_deployment(deployment_id, world=world()), world=world())
    return jsonify({"ok": True, "deployment_id": deployment_id, **describe_answer(heard)})
