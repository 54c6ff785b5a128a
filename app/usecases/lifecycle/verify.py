"""Verify: wait until a gateway passes every readiness check, or fails for good.

`docker compose up --wait` calls a crash loop a success, so we apply our own rule: one single run of
the gateway must stay up and pass every check.
"""

import time

from app.core.deployment import Deployment
from app.core.diagnosis.causes import Cause, check_cause
from app.core.errors import EngineError
from app.core.operations.steps import Step
from app.core.snapshot import Container, Run
from app.core.status.readiness import ReadinessCheck, failed, first_failed
from app.engine.gateway.checks import run_checks
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import OperationContext
from app.usecases.status.causes import end_cause
from app.usecases.status.fix_lines import fix_line_parts

_INTERVAL_SECONDS = 0.5
# OpenClaw's exit code for a wrong configuration, which a restart can't correct.
_CONFIGURATION_ERROR = 78
_RESTARTS_TOLERATED = 1
_AFTER_IT_ANSWERS = ("readyz", "websocket", "token")


def verify_gateway(op: OperationContext, before: Container | None) -> Run:
    """Return the verified run; `before` is the container from before the launch.

    Raise OperationFailed: at once if waiting can't help, else at the deadline. Raise EngineError.
    """
    seconds = op.context.settings.launch_timeout
    deadline = time.monotonic() + seconds
    restarts = _restarts_of(before)
    op.step(Step.ANSWERS, "Waiting for the gateway to answer")
    reported, answers = "", False
    while True:
        found = _check_once(op, restarts)
        if not answers and (isinstance(found, Run) or found.name in _AFTER_IT_ANSWERS):
            answers = True
            op.step(Step.READY, "The gateway answers; waiting until it is ready")
        if isinstance(found, Run):
            op.say(
                "The gateway is ready" + (" and accepts the token" if op.deployment.token else "")
            )
            return found
        if found.detail != reported:
            reported = found.detail
            op.say(reported)
        if time.monotonic() > deadline:
            raise OperationFailed(_timeout(seconds, reported))
        time.sleep(_INTERVAL_SECONDS)


def _check_once(op: OperationContext, restarts_before: dict[str, int]) -> Run | ReadinessCheck:
    """Return the verified run, or the first check that still fails.

    A single slow response of the engine does not fail a launch.
    """
    try:
        gateway = _live_container(op, restarts_before)
        failed_check = _first_failed(op.deployment, gateway)
        if failed_check is None:
            now = op.gateway()
            run = now.run if now and now.state == "running" else None
            again = failed("container", "The gateway was restarted during the checks.")
            return run if run and run == gateway.run else again
    except EngineError as error:
        return failed("container", error.detail)
    if failed_check.hopeless:
        raise OperationFailed(check_cause(failed_check, fix_line_parts(op.deployment, op.context)))
    return failed_check


def _first_failed(deployment: Deployment, gateway: Container) -> ReadinessCheck | None:
    """Return the first check that fails.

    Ignore a missing token in a folder of the older server, which may have the token only in
    `openclaw.json`: the deployment's page shows that, but the launch does not wait for it.
    """
    failed_check = first_failed(run_checks(deployment, gateway))
    if failed_check and failed_check.name == "token" and not deployment.token:
        return None
    return failed_check


def _restarts_of(before: Container | None) -> dict[str, int]:
    """Return the restart count before this launch by container id; `up` may keep a container."""
    return {before.id: before.details.restart_count} if before and before.details else {}


def _live_container(op: OperationContext, restarts_before: dict[str, int]) -> Container:
    """Return the gateway's container. Raise OperationFailed after its end or in a crash loop."""
    gateway = op.gateway()
    if gateway is None or gateway.details is None:
        raise OperationFailed.of(
            "container_gone", "The gateway's container was removed while starting.", "Launch again."
        )
    ended = gateway.state in ("exited", "dead", "created")
    hopeless = gateway.state == "restarting" and gateway.details.exit_code == _CONFIGURATION_ERROR
    restarts = gateway.details.restart_count - restarts_before.get(gateway.id, 0)
    if ended or hopeless or restarts > _RESTARTS_TOLERATED:
        raise OperationFailed(end_cause(gateway, op.deployment, op.context))
    return gateway


def _timeout(seconds: float, reported: str) -> Cause:
    return Cause(
        "launch_timeout",
        f"The gateway was not ready after {seconds:g} s. {reported}",
        "The last words may tell why. A slow host can be given more time with"
        " DEPLOY_AGENT_LAUNCH_TIMEOUT.",
    )
