"""The JSON API, kept from the older server so that existing scripts run unchanged."""

from collections.abc import Callable

from flask import Blueprint
from pydantic import Field

from app.core.answers import EXAMPLE_ID
from app.core.deployment import parse_id
from app.core.errors import StopFailed, TooManyWaiting
from app.core.people import Permission
from app.core.status.readiness import CheckState
from app.core.status.status import Status
from app.usecases.lifecycle.answers import RunningAnswer, StoppedAnswer
from app.usecases.lifecycle.launch import launch_deployment, restart_deployment, wait_for_launch
from app.usecases.lifecycle.stop import stop_deployment, wait_for_stop
from app.usecases.operations.start import Started
from app.usecases.status.answers import (
    ContainerShown,
    DeploymentAnswer,
    DeploymentShown,
    ReadinessCheckShown,
)
from app.usecases.status.diagnose import diagnose
from app.usecases.status.overview import load_overview, show_deployment, views_of
from app.usecases.status.readiness import checks_of
from app.usecases.tokens.answers import RevealedAnswer
from app.usecases.tokens.reveal import reveal_secret
from app.web.access.links import walls
from app.web.api.calls import BEGINNING, BRINGING_UP, Example, Subject, call
from app.web.api.shapes import (
    EXAMPLE_OPERATION,
    Accepted,
    ForDeployment,
    Text,
    WaitFor,
    accepted,
)
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context, gateway_host
from app.web.server.sharing import shared

bp = Blueprint("api", __name__, url_prefix="/api/deploy")


class SecretOf(ForDeployment):
    """Names a secret of a deployment."""

    field: Text = Field(description="The field's name, as in the schema.")


_SHOWN = DeploymentShown(
    deployment_id=EXAMPLE_ID,
    port=30163,
    status=Status.RUNNING,
    deploy_dir=f"/srv/deployments/{EXAMPLE_ID}",
    name="Support bot",
    reason="up 3 min, healthy",
    remark="",
    drift=[],
    ws_url="ws://127.0.0.1:30163",
    page_url="http://127.0.0.1:30163/",
)
_RUNS = Example(
    body=ForDeployment(deployment_id=EXAMPLE_ID),
    answer=RunningAnswer(deployment_id=EXAMPLE_ID, port=30163),
)


@bp.get("/list")
@needs(Permission.VIEW)
@call(Subject.DEPLOYMENTS, "All deployments", example=Example([_SHOWN]))
def list_all() -> list[DeploymentShown]:
    """With port, status, reason and address. Where the engine does not answer, the status is
    unknown, with the last known one in the reason."""
    return shared("api list", _list)


def _list() -> list[DeploymentShown]:
    overview = load_overview(app_context())

    def describe() -> list[DeploymentShown]:
        views = views_of(overview, app_context())
        return [DeploymentShown.of_view(each, gateway_host()) for each in views]

    return shared("api list of overview", describe, seconds=1.0, version=overview)


@bp.post("/launch")
@needs(Permission.OPERATE)
@call(Subject.RUNNING, "Launches a deployment", example=_RUNS, errors=BRINGING_UP)
def launch(body: WaitFor) -> RunningAnswer | Accepted:
    """It waits until the gateway is proven to run. Launched again, one that runs gets what was
    edited meanwhile. Where somebody cancels it meanwhile, the answer is 409 `cancelled`."""
    return _bring_up(launch_deployment, body)


@bp.post("/restart")
@needs(Permission.OPERATE)
@call(Subject.RUNNING, "Restarts a deployment", example=_RUNS, errors=BRINGING_UP)
def restart(body: WaitFor) -> RunningAnswer | Accepted:
    """It takes the deployment down and launches it again, and waits as launch does."""
    return _bring_up(restart_deployment, body)


def _bring_up(begin: Callable[..., Started], body: WaitFor) -> RunningAnswer | Accepted:
    """Begin what ends with a proven gateway, and wait for that unless told not to."""
    deployment_id = parse_id(body.deployment_id)
    started = begin(deployment_id, actor=actor(), context=app_context())
    if body.wait and wait_for_launch(started, context=app_context()):
        port = app_context().store.load(deployment_id).port
        return RunningAnswer(deployment_id=deployment_id, port=port, warning=started.warning)
    return accepted(started.operation, "launching", started.warning)


@bp.get("/status/<deployment_id>")
@needs(Permission.VIEW)
@call(
    Subject.DEPLOYMENTS,
    "One deployment",
    example=Example(
        path={"deployment_id": EXAMPLE_ID},
        answer=DeploymentAnswer(
            **dict(_SHOWN),
            health="healthy",
            containers=[
                ContainerShown(
                    id="4f0b8c1d2e3a",
                    name=f"{EXAMPLE_ID}-openclaw-1",
                    service="openclaw",
                    image="ghcr.io/openclaw/openclaw:2026.9.6",
                    state="running",
                    status="Up 3 minutes (healthy)",
                    health="healthy",
                    restarts=0,
                )
            ],
            ladder=[
                ReadinessCheckShown(
                    name="port",
                    state=CheckState.PASSED,
                    detail="127.0.0.1:30163",
                    milliseconds=1,
                    next_step="",
                )
            ],
            cause=None,
            walls=[],
            operation=EXAMPLE_OPERATION,
        ),
    ),
)
def status(deployment_id: str) -> DeploymentAnswer:
    """With its containers, its readiness, its latest operation, and what stands between the
    caller and the gateway's page."""
    view = show_deployment(parse_id(deployment_id), context=app_context())
    checks = checks_of(view, context=app_context())
    cause = diagnose(view, checks, context=app_context())
    return DeploymentAnswer.in_full(view, gateway_host(), checks, walls(view.deployment), cause)


@bp.post("/stop")
@needs(Permission.OPERATE)
@call(
    Subject.RUNNING,
    "Stops a deployment",
    example=Example(
        body=ForDeployment(deployment_id=EXAMPLE_ID), answer=StoppedAnswer(deployment_id=EXAMPLE_ID)
    ),
    errors=(*BEGINNING, StopFailed, TooManyWaiting),
)
def stop(body: ForDeployment) -> StoppedAnswer | Accepted:
    """It takes the containers down; a launch or restart that runs is cancelled first. One that
    is stopped is stopped again without harm."""
    deployment_id = parse_id(body.deployment_id)
    started = stop_deployment(deployment_id, actor=actor(), context=app_context())
    if wait_for_stop(started, context=app_context()):
        return StoppedAnswer(deployment_id=deployment_id)
    return accepted(started.operation, "stopping")


@bp.post("/reveal")
@needs(Permission.OPERATE)
@call(
    Subject.DEPLOYMENTS,
    "Reveals a secret",
    example=Example(
        body=SecretOf(deployment_id=EXAMPLE_ID, field="openclaw_gateway_token"),
        answer=RevealedAnswer(value="3f9c…"),
    ),
)
def reveal(body: SecretOf) -> RevealedAnswer:
    """The only call that answers one; it is recorded in the deployment's history."""
    deployment_id = parse_id(body.deployment_id)
    value = reveal_secret(deployment_id, body.field, actor=actor(), context=app_context())
    return RevealedAnswer(value=value)
