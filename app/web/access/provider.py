"""The provider check: the button on a deployment's page, and its two API calls."""

from typing import ClassVar

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.core.answers import EXAMPLE_ID, EXAMPLE_TIME
from app.core.errors import GatewayNotRunning
from app.core.people import Permission
from app.usecases.access.answers import ProviderAnswerShown, ProviderCheckAnswer
from app.usecases.access.provider_check import (
    ProviderCheck,
    ask_provider,
    latest_provider_check,
    start_provider_check,
)
from app.usecases.status.overview import show_deployment
from app.web.api.calls import ENGINE, CallTag, Example, call
from app.web.api.shapes import DeploymentBody
from app.web.page.rendering import done
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

bp = Blueprint("answer", __name__)
api_bp = Blueprint("answer_api", __name__, url_prefix="/api/deploy/answer")


class StillAskingAnswer(ProviderCheckAnswer):
    """The check is still running; `answer` is the provider's previous answer."""

    http_status: ClassVar[int] = 202


_ANSWERED = ProviderCheckAnswer(
    deployment_id=EXAMPLE_ID,
    answer=ProviderAnswerShown(
        code="accepted",
        words="The provider accepts the key and the model.",
        next_step="",
        accepted=True,
        said="",
        base_url="https://openrouter.ai/api/v1",
        model="openrouter/auto",
        status=200,
        milliseconds=412,
        remarks=[],
        at=EXAMPLE_TIME,
        current=True,
    ),
    asking=False,
)


@bp.post("/deployments/<deployment_id>/answer")
@needs(Permission.OPERATE)
def ask(deployment_id: str) -> ResponseReturnValue:
    start_provider_check(deployment_id, actor=actor(), context=app_context())
    return done("The provider is being asked.", deployment_id)


@api_bp.get("/<deployment_id>")
@needs(Permission.VIEW)
@call(
    CallTag.PROVIDER,
    "Show the provider's latest answer",
    example=Example(path={"deployment_id": EXAMPLE_ID}, answer=_ANSWERED),
)
def show_latest(deployment_id: str) -> ProviderCheckAnswer:
    """Whether the provider accepts the key and the model, and when the gateway asked it."""
    return ProviderCheckAnswer.of(_latest(deployment_id), deployment_id=deployment_id)


@api_bp.post("")
@needs(Permission.OPERATE)
@call(
    CallTag.PROVIDER,
    "Ask the provider",
    example=Example(body=DeploymentBody(deployment_id=EXAMPLE_ID), answer=_ANSWERED),
    errors=(GatewayNotRunning, *ENGINE),
)
def ask_and_wait(body: DeploymentBody) -> ProviderCheckAnswer | StillAskingAnswer:
    """The gateway asks whether the provider accepts its key and model. The call waits at most
    15 s."""
    came = ask_provider(body.deployment_id, actor=actor(), context=app_context())
    return (ProviderCheckAnswer if came else StillAskingAnswer).of(
        _latest(body.deployment_id), deployment_id=body.deployment_id
    )


def _latest(deployment_id: str) -> ProviderCheck:
    view = show_deployment(deployment_id, context=app_context())
    return latest_provider_check(view, context=app_context())
