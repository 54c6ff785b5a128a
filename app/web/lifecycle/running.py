"""Launching, stopping and restarting a deployment."""

from collections.abc import Callable

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.core.answers import EXAMPLE_ID
from app.core.errors import StopFailed, TooManyWaiting
from app.core.people import Permission
from app.usecases.lifecycle.answers import RunningAnswer, StoppedAnswer
from app.usecases.lifecycle.launch import launch_deployment, restart_deployment
from app.usecases.lifecycle.stop import stop_deployment
from app.usecases.operations.start import Started
from app.usecases.operations.wait import wait_for
from app.web.api.calls import BEGINNING, BRINGING_UP, CallTag, Example, call
from app.web.api.shapes import AcceptedAnswer, DeploymentBody, OperationBody, accepted
from app.web.lifecycle.confirm import second_click_ignored
from app.web.page.rendering import done
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

bp = Blueprint("running", __name__, url_prefix="/deployments/<deployment_id>")
api_bp = Blueprint("running_api", __name__, url_prefix="/api/deploy")

_RUNS = Example(
    body=DeploymentBody(deployment_id=EXAMPLE_ID),
    answer=RunningAnswer(deployment_id=EXAMPLE_ID, port=30163),
)


@bp.post("/launch")
@needs(Permission.OPERATE)
def launch(deployment_id: str) -> ResponseReturnValue:
    words = "The launch has started."
    with second_click_ignored():
        started = launch_deployment(deployment_id, actor=actor(), context=app_context())
        words = f"{words} {started.warning}".rstrip()
    return done(words, deployment_id)


@bp.post("/stop")
@needs(Permission.OPERATE)
def stop(deployment_id: str) -> ResponseReturnValue:
    with second_click_ignored():
        stop_deployment(deployment_id, actor=actor(), context=app_context())
    return done("The stop has started.", deployment_id)


@bp.post("/restart")
@needs(Permission.OPERATE)
def restart(deployment_id: str) -> ResponseReturnValue:
    with second_click_ignored():
        restart_deployment(deployment_id, actor=actor(), context=app_context())
    return done("The restart has started.", deployment_id)


@api_bp.post("/launch")
@needs(Permission.OPERATE)
@call(CallTag.LIFECYCLE, "Launch a deployment", example=_RUNS, errors=BRINGING_UP)
def launch_by_script(body: OperationBody) -> RunningAnswer | AcceptedAnswer:
    """The call waits until all readiness checks pass. Launching a running deployment applies edits
    to its files. If somebody cancels the launch, the answer is 409 `cancelled`."""
    return _bring_up(launch_deployment, body)


@api_bp.post("/restart")
@needs(Permission.OPERATE)
@call(CallTag.LIFECYCLE, "Restart a deployment", example=_RUNS, errors=BRINGING_UP)
def restart_by_script(body: OperationBody) -> RunningAnswer | AcceptedAnswer:
    """Stops the deployment, launches it again, and waits as launch does."""
    return _bring_up(restart_deployment, body)


def _bring_up(begin: Callable[..., Started], body: OperationBody) -> RunningAnswer | AcceptedAnswer:
    """Start an operation that verifies the gateway. Wait for the operation's end if requested."""
    started = begin(body.deployment_id, actor=actor(), context=app_context())
    if body.wait and wait_for(started, context=app_context()):
        port = app_context().store.load(body.deployment_id).port
        return RunningAnswer(deployment_id=body.deployment_id, port=port, warning=started.warning)
    return accepted(started.operation, "launching", started.warning)


@api_bp.post("/stop")
@needs(Permission.OPERATE)
@call(
    CallTag.LIFECYCLE,
    "Stop a deployment",
    example=Example(
        body=DeploymentBody(deployment_id=EXAMPLE_ID),
        answer=StoppedAnswer(deployment_id=EXAMPLE_ID),
    ),
    errors=(*BEGINNING, StopFailed, TooManyWaiting),
)
def stop_by_script(body: DeploymentBody) -> StoppedAnswer | AcceptedAnswer:
    """Removes the containers. A running launch or restart is cancelled first. Stopping a stopped
    deployment succeeds and changes nothing."""
    started = stop_deployment(body.deployment_id, actor=actor(), context=app_context())
    if wait_for(started, context=app_context()):
        return StoppedAnswer(deployment_id=body.deployment_id)
    return accepted(started.operation, "stopping")
