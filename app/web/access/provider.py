"""The provider's answer: the button on a deployment's page, and its two calls of the API."""

from datetime import datetime
from typing import Any, ClassVar

from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic import Field

from app.core.answers import EXAMPLE_ID, Answer, AnswerPart, DeploymentId, Time
from app.core.deployment import parse_id
from app.core.errors import GatewayNotRunning
from app.core.people import Permission
from app.usecases.access.provider_check import (
    ask_provider,
    describe_answer,
    latest_provider_check,
    start_provider_check,
)
from app.usecases.status.overview import show_deployment
from app.web.api.calls import ENGINE, Example, Subject, call
from app.web.api.shapes import ForDeployment
from app.web.page.rendering import done
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

bp = Blueprint("answer", __name__)
api_bp = Blueprint("answer_api", __name__, url_prefix="/api/deploy/answer")


class ProviderSaid(AnswerPart):
    """What the provider said, in words; `code` is its stable name."""

    code: str
    words: str
    next_step: str = Field(description="What to do where it is not good.")
    accepted: bool | None = Field(description="Whether it takes the key; null where not known.")
    said: str = Field(description="Its own words.")
    base_url: str
    model: str
    status: int | None
    milliseconds: int | None
    remarks: list[str] = Field(description="Where the gateway uses something else than .env has.")
    at: Time
    current: bool = Field(description="Whether the gateway that was asked still runs.")


class Heard(Answer):
    """The latest answer."""

    deployment_id: DeploymentId
    answer: ProviderSaid | None = Field(description="Null where it was never asked.")
    asking: bool = Field(description="Whether it is being asked now.")


class StillAsking(Heard):
    """It is still being asked; the answer is the one before."""

    http_status: ClassVar[int] = 202


_HEARD = Heard(
    deployment_id=EXAMPLE_ID,
    answer=ProviderSaid(
        code="accepted",
        words="The provider takes the key and the model.",
        next_step="",
        accepted=True,
        said="",
        base_url="https://openrouter.ai/api/v1",
        model="openrouter/auto",
        status=200,
        milliseconds=412,
        remarks=[],
        at=datetime.fromisoformat("2026-11-24T06:00:00+00:00"),
        current=True,
    ),
    asking=False,
)


@bp.post("/deployments/<deployment_id>/answer")
@needs(Permission.OPERATE)
def ask(deployment_id: str) -> ResponseReturnValue:
    start_provider_check(parse_id(deployment_id), actor=actor(), context=app_context())
    return done("The provider is being asked.", deployment_id)


@api_bp.get("/<deployment_id>")
@needs(Permission.VIEW)
@call(
    Subject.PROVIDER,
    "What the provider last said",
    example=Example(path={"deployment_id": EXAMPLE_ID}, answer=_HEARD),
)
def show_latest(deployment_id: str) -> Heard:
    """To the key and the model, asked from inside the gateway, and when."""
    return Heard.model_validate(_described(parse_id(deployment_id)))


@api_bp.post("")
@needs(Permission.OPERATE)
@call(
    Subject.PROVIDER,
    "Asks the provider",
    example=Example(body=ForDeployment(deployment_id=EXAMPLE_ID), answer=_HEARD),
    errors=(GatewayNotRunning, *ENGINE),
)
def ask_and_wait(body: ForDeployment) -> Heard | StillAsking:
    """From inside the gateway: whether it takes the key and the model. It waits up to 15 s."""
    deployment_id = parse_id(body.deployment_id)
    came = ask_provider(deployment_id, actor=actor(), context=app_context())
    return (Heard if came else StillAsking).model_validate(_described(deployment_id))


def _described(deployment_id: str) -> dict[str, Any]:
    heard = latest_provider_check(
        show_deployment(deployment_id, context=app_context()), context=app_context()
    )
    return {"deployment_id": deployment_id, **describe_answer(heard)}
