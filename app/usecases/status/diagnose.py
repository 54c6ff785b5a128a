"""Diagnose: why a deployment does not work, at any time after a launch."""

from collections.abc import Sequence

from app.core.deployment import Deployment
from app.core.diagnosis.causes import LAST_LINES, Cause, check_cause, engine_cause, exit_cause
from app.core.diagnosis.fix_lines import FixLineParts, fix_line
from app.core.errors import EngineError, EngineRefused
from app.core.operations.operation import OperationState
from app.core.snapshot import Container, PreviousExit
from app.core.status.readiness import ReadinessCheck, first_failed
from app.core.status.status import Status
from app.usecases.context import AppContext
from app.usecases.history.last_words import last_log_lines
from app.usecases.status.fix_lines import fix_line_parts
from app.usecases.status.overview import DeploymentView


def diagnose(
    view: DeploymentView, checks: Sequence[ReadinessCheck], *, context: AppContext
) -> Cause | None:
    """Return why a deployment does not work; None if it works or the cause is unknown."""
    deployment, status = view.deployment, view.report.status

    def repairs() -> FixLineParts:
        # Skip working deployments: a diagnosis looks up this host's installed programs.
        return fix_line_parts(deployment, context)

    if view.problem:
        return _without_engine(view.problem.code, f"{view.problem.reason}.", repairs())
    if view.gateway and status in (Status.FAILED, Status.RESTARTING):
        return _end_of(view.gateway, deployment, repairs(), context)
    if status is Status.FAILED:
        return _of_launch(view, repairs())
    failed = first_failed(checks)
    if view.gateway and view.gateway.state == "paused":
        return _paused(view.gateway, repairs())
    # If waiting can't fix it, don't wait for Docker's health check.
    if failed and (status.reachable or failed.hopeless):
        return check_cause(failed, repairs())
    return None


def _without_engine(code: str, words: str, repairs: FixLineParts) -> Cause:
    fix = ("{start_engine}",) if code == "engine_unreachable" else ()
    step = "Running gateways keep running. This page updates once the engine answers."
    return Cause(code, words, step, fix=fix_line(fix, {}, repairs))


def _of_launch(view: DeploymentView, repairs: FixLineParts) -> Cause | None:
    operation = view.deployment.launch_or_stop
    if operation is None:
        return None
    if operation.state is OperationState.INTERRUPTED:
        fix = fix_line(("{launch}",), {}, repairs) if operation.launches else ""
        words = f"the {operation.kind.noun} was interrupted."
        return Cause("interrupted", words, operation.kind.after_interruption, fix=fix)
    return Cause(
        operation.code, operation.reason, operation.next_step, operation.free_port, operation.fix
    )


def _paused(gateway: Container, repairs: FixLineParts) -> Cause:
    fix = fix_line(("{docker} unpause {what}",), {"what": gateway.name}, repairs)
    return Cause("paused", "The gateway is paused.", "", fix=fix)


def _end_of(
    gateway: Container, deployment: Deployment, repairs: FixLineParts, context: AppContext
) -> Cause | None:
    details = gateway.details
    if details and details.error and gateway.state in ("created", "exited"):
        return engine_cause(details.error, repairs)
    ended = gateway.last_exit or _ended(gateway, context)
    if ended is None:
        return None
    lines: list[str] | None = None
    try:
        lines = last_log_lines(gateway, deployment, LAST_LINES, context)
    except EngineRefused:
        pass
    except EngineError:
        return None
    return exit_cause(ended.exit_code, ended.out_of_memory, lines, repairs)


def _ended(gateway: Container, context: AppContext) -> PreviousExit | None:
    """Return how a container ended; None if the engine does not know that or refuses to answer.

    A container restarted by Docker is up again, so only the engine's events have its last end.
    """
    details = gateway.details
    if details is None:
        return None
    if gateway.state in ("created", "exited"):
        return PreviousExit(details.exit_code, details.out_of_memory)
    try:
        return context.containers.last_exit(gateway.id, gateway.created_at)
    except EngineError:
        return None
