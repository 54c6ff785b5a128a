"""Verify: wait until a gateway proves that it works, or can't any more.

`docker compose up --wait` calls a crash loop a success, so the rule is our own:
one and the same run is up, and every rung of the ladder holds.
"""

import time

from app.core.deployment import Deployment
from app.core.diagnosis.causes import Cause, rung_cause
from app.core.errors import EngineError
from app.core.operations.steps import ANSWERS, READY
from app.core.snapshot import Container, Run
from app.core.status.readiness_checks import Rung, failed, first_broken
from app.engine.gateway.probe import climb_gateway
from app.usecases.context import AppContext
from app.usecases.operations.operations import OperationFailed, Say
from app.usecases.status.causes import end_cause
from app.usecases.status.fix_lines import repairs_for

_LOOK_AGAIN_SECONDS = 0.5
# OpenClaw's exit code for a configuration that another start can't mend.
_CONFIGURATION_ERROR = 78
_RESTARTS_TOLERATED = 1
_AFTER_IT_ANSWERS = ("readyz", "websocket", "token")


def verify_gateway(
    deployment: Deployment, before: Container | None, *, context: AppContext, say: Say
) -> Run:
    """Return the run that was proven to work; `before` is what was there before the launch.

    Raises OperationFailed at once where waiting is of no use, else at the
    deadline; raises EngineError.
    """
    seconds = context.settings.launch_timeout
    deadline = time.monotonic() + seconds
    restarts = _restarts_before(before)
    say(ANSWERS)
    told, answers = "", False
    while True:
        seen = _look(deployment, restarts, context)
        if not answers and (isinstance(seen, Run) or seen.name in _AFTER_IT_ANSWERS):
            answers = True
            say(READY)
        if isinstance(seen, Run):
            say("It is ready" + (" and accepts the token" if deployment.token else ""))
            return seen
        if seen.detail != told:
            told = seen.detail
            say(told)
        if time.monotonic() > deadline:
            raise OperationFailed(_timeout(seconds, told))
        time.sleep(_LOOK_AGAIN_SECONDS)


def _look(
    deployment: Deployment, restarts_before: dict[str, int], context: AppContext
) -> Run | Rung:
    """Return the run that is proven, or what does not hold yet.

    An engine that is slow for once ends no launch.
    """
    try:
        gateway = _still_there(deployment, restarts_before, context)
        broken = _first_broken(deployment, gateway)
        if broken is None:
            run = _run_of(deployment, context)
            again = failed("container", "It was started again meanwhile.")
            return run if run and run == gateway.run else again
    except EngineError as error:
        return failed("container", error.detail)
    if broken.hopeless:
        raise OperationFailed(rung_cause(broken, repairs_for(deployment, context)))
    return broken


def _first_broken(deployment: Deployment, gateway: Container) -> Rung | None:
    """Return the first rung that does not hold.

    A folder of the older server may have its token in `openclaw.json` alone:
    that is shown on the ladder, and holds no launch up.
    """
    broken = first_broken(climb_gateway(deployment, gateway))
    if broken and broken.name == "token" and not deployment.token:
        return None
    return broken


def _restarts_before(before: Container | None) -> dict[str, int]:
    """Return the restarts that are not of this launch, by container: `up` may keep the same one."""
    return {before.id: before.details.restart_count} if before and before.details else {}


def _still_there(
    deployment: Deployment, restarts_before: dict[str, int], context: AppContext
) -> Container:
    """Return the gateway's container. Raises OperationFailed where it ended or loops."""
    gateway = deployment.gateway_in(context.containers.of(deployment.id))
    if gateway is None or gateway.details is None:
        raise OperationFailed(
            Cause(
                "container_gone",
                "Its container was removed while it was starting.",
                "Launch again.",
            )
        )
    ended = gateway.state in ("exited", "dead", "created")
    hopeless = gateway.state == "restarting" and gateway.details.exit_code == _CONFIGURATION_ERROR
    restarts = gateway.details.restart_count - restarts_before.get(gateway.id, 0)
    if ended or hopeless or restarts > _RESTARTS_TOLERATED:
        raise OperationFailed(end_cause(gateway, deployment, context))
    return gateway


def _run_of(deployment: Deployment, context: AppContext) -> Run | None:
    gateway = deployment.gateway_in(context.containers.of(deployment.id))
    return gateway.run if gateway and gateway.state == "running" else None


def _timeout(seconds: float, seen: str) -> Cause:
    return Cause(
        "launch_timeout",
        f"It was not ready after {seconds:g} s. {seen}",
        "Its last words may tell why. A slow host can be given more time with"
        " DEPLOY_AGENT_LAUNCH_TIMEOUT.",
    )
