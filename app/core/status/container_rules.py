"""The rules that derive a status from the state of the gateway's container."""

from datetime import datetime, timedelta
from typing import Any

from app.core.deployment import Deployment
from app.core.operations.operation import Operation
from app.core.snapshot import Container
from app.core.status.readiness import Readiness, ReadinessCheck
from app.core.status.status import Status
from app.core.time_words import Elapsed, SentencePart, TimeAgo, duration

# A restart younger than this may be part of a crash loop.
_YOUNG = timedelta(seconds=60)
# Exit codes after a request to end: the process's own 0, SIGINT, SIGTERM.
ASKED_TO_END = (0, 130, 143)


# A status, then the parts of its reason.
Derived = tuple[Any, ...]


def not_running(gateway: Container) -> Derived:
    match gateway.state:
        case "created":
            return _created(gateway)
        case "exited":
            return _exited(gateway)
        case "restarting":
            return Status.RESTARTING, _crash_loop(gateway)
        case "paused":
            return Status.UNHEALTHY, f"paused; `docker unpause {gateway.name}` resumes it"
        case "removing":
            return Status.STOPPING, "Docker is removing its container"
        case "dead":
            return Status.FAILED, "Docker could not remove its container; stop the deployment again"
    return Status.UNKNOWN, f"Docker calls its container “{gateway.state}”"


def _created(gateway: Container) -> Derived:
    error = gateway.details.error if gateway.details else ""
    return Status.FAILED, f"created but never started{f': {error}' if error else ''}"


def _exited(gateway: Container) -> Derived:
    details = gateway.details
    if details is None:
        return Status.FAILED, gateway.status_text
    when: tuple[SentencePart, ...] = (
        (", ", TimeAgo(details.finished_at)) if details.finished_at else ()
    )
    lasted = ""
    if details.started_at and details.finished_at:
        lasted = f" after {duration(details.finished_at - details.started_at)}"
    if details.out_of_memory:
        return Status.FAILED, f"ran out of memory and was killed{lasted}", *when
    if details.error:
        return Status.FAILED, details.error, *when
    # With a policy that always restarts, a container stays down only if somebody stopped it.
    kept_up = details.restart_policy in ("always", "unless-stopped")
    code = details.exit_code
    if kept_up or code in ASKED_TO_END:
        return Status.STOPPED, f"stopped outside Deploy Agent, exit code {code}", *when
    return Status.FAILED, f"exited with code {code}{lasted}", *when


def _crash_loop(gateway: Container) -> str:
    """Return one reason for both halves of a crash loop: between two runs, and during a run."""
    ended, count = gateway.last_exit, gateway.details.restart_count if gateway.details else 0
    cause = f": exit code {ended.exit_code}" if ended else ""
    if ended and ended.out_of_memory:
        cause = ": out of memory"
    if count == 1:
        return f"it exited and Docker restarted it{cause}"
    times = f", {count} restarts" if count else ""
    return f"it keeps exiting and Docker restarts it{cause}{times}"


def running(
    gateway: Container, deployment: Deployment, now: datetime, readiness: Readiness | None
) -> Derived:
    details, started_at = gateway.details, gateway.runs_since
    since = Elapsed(started_at) if started_at else _listed_age(gateway)
    is_verified = _is_verified(gateway, deployment.operation)
    if details and details.restart_count and _is_young(started_at, now, _YOUNG) and not is_verified:
        return Status.RESTARTING, _crash_loop(gateway)
    failed_check, has_passed = None, False
    if readiness and (readiness.container_id, readiness.started_at) == (gateway.id, started_at):
        failed_check, has_passed = readiness.failed_check, readiness.has_passed
        started = is_verified or has_passed or gateway.health == "unhealthy"
        if failed_check and not started and _is_young(started_at, now, readiness.grace):
            return Status.LAUNCHING, "up ", since, f", not ready yet: {_words_of(failed_check)}"
    if failed_check:
        return Status.UNHEALTHY, _words_of(failed_check)
    if gateway.health == "unhealthy":
        output = details.health_output.strip() if details else ""
        return Status.UNHEALTHY, f"its health check fails{f': {output}' if output else ''}"
    if gateway.health in ("healthy", None):
        return Status.RUNNING, "up ", since
    if is_verified:
        return Status.RUNNING, "up ", since, ", verified at launch"
    if has_passed:
        return Status.RUNNING, "up ", since, ", it answers and accepts its token"
    return Status.LAUNCHING, "up ", since, ", its health check has not answered yet"


def _is_verified(gateway: Container, operation: Operation | None) -> bool:
    """Return whether a launch verified this very run.

    The engine's list does not identify a run. Without `details`, a run that began before the launch
    ended is the verified run.
    """
    if operation is None or operation.verified is None:
        return False
    if gateway.details:
        return operation.verified == gateway.run
    began, ended = gateway.started_at, operation.ended_at
    return operation.verified.container_id == gateway.id and bool(
        began and ended and began <= ended
    )


def _is_young(started_at: datetime | None, now: datetime, limit: timedelta) -> bool:
    """Return whether a run began within `limit`.

    A start in the future does not count: the host's clock was set back.
    """
    return bool(started_at and timedelta(0) <= now - started_at < limit)


def _words_of(check: ReadinessCheck) -> str:
    """Return what a failed check found, as the end of a sentence."""
    return f"{check.detail[:1].lower()}{check.detail[1:]}".rstrip(".")


def _listed_age(gateway: Container) -> str:
    return gateway.status_text.removeprefix("Up ").partition(" (")[0].lower()
