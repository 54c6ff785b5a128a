"""Status of a deployment: derived from folder, snapshot and latest operation, never stored."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.core.deployment import Deployment
from app.core.operations.kinds import STOPS, OperationKind
from app.core.operations.operation import Operation, OperationState
from app.core.snapshot import Container, Snapshot
from app.core.status.readiness import Readiness, ReadinessCheck
from app.core.time_words import Elapsed, SentencePart, TimeAgo, TimeOfDay, duration, spell

# A restart this young may be one of a crash loop.
_YOUNG = timedelta(seconds=60)
# Exit codes of a process that was told to end and did: its own 0, SIGINT, SIGTERM.
ASKED_TO_END = (0, 130, 143)


class Status(StrEnum):
    CONFIGURED = "configured"
    LAUNCHING = "launching"
    RUNNING = "running"
    UNHEALTHY = "unhealthy"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INVALID = "invalid"

    @property
    def moving(self) -> bool:
        return self in (Status.LAUNCHING, Status.STOPPING, Status.RESTARTING)

    @property
    def is_bad(self) -> bool:
        """Say whether somebody has to do something about it."""
        return self in (Status.FAILED, Status.INVALID, Status.RESTARTING, Status.UNHEALTHY)

    @property
    def reachable(self) -> bool:
        """Say whether its own page may be opened."""
        return self in (Status.RUNNING, Status.UNHEALTHY)

    @property
    def up(self) -> bool:
        """Say whether a container of it may hold the port."""
        return self in (Status.RUNNING, Status.UNHEALTHY, Status.RESTARTING, Status.LAUNCHING)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A status and its reason. `reason_parts` are words and moments; `now` is when it held."""

    status: Status
    reason_parts: tuple[SentencePart, ...]
    now: datetime

    @property
    def reason(self) -> str:
        return spell(self.reason_parts, self.now)

    @property
    def since(self) -> datetime | None:
        """The moment the reason names, if it names one."""
        return next(
            (each.moment for each in self.reason_parts if isinstance(each, TimeAgo | Elapsed)), None
        )


@dataclass(frozen=True, slots=True)
class LastStatus:
    """The latest status known while the engine answered."""

    status: Status
    at: datetime


def status_of(
    deployment: Deployment,
    snapshot: Snapshot,
    now: datetime,
    last_status: LastStatus | None = None,
    readiness: Readiness | None = None,
) -> StatusReport:
    """Return the status of one deployment; the first rule that matches decides.

    An engine that did not answer gives `unknown`, never `stopped`. Readiness checks overrule
    Docker for a container that is up: after a decisive failure it is `unhealthy`, whatever
    Docker's health check says. Once every check has passed it is `running`, even before Docker's
    health check reports. Until then it is `launching` for as long as a launch may take. Results
    of another run of the container do not count.
    """
    status, *reason_parts = _decided(deployment, snapshot, now, last_status, readiness)
    return StatusReport(status, tuple(reason_parts), now)


# A status, and after it the parts of the reason.
_Decided = tuple[Any, ...]


def _decided(
    deployment: Deployment,
    snapshot: Snapshot,
    now: datetime,
    last_status: LastStatus | None,
    readiness: Readiness | None,
) -> _Decided:
    if deployment.problem:
        return Status.INVALID, _invalid_reason(deployment, snapshot)
    if snapshot.problem:
        known = _last_known(deployment, last_status)
        return Status.UNKNOWN, *_unknown_reason(snapshot.problem.reason, known)
    if operation := deployment.running_operation:
        return _moving(operation)
    gateway = deployment.gateway_in(snapshot.of(deployment.id) or ())
    if gateway and gateway.state == "running":
        return _running(gateway, deployment, now, readiness)
    if gateway:
        return _STATES.get(gateway.state, _strange)(gateway, deployment, now)
    return _without_container(deployment)


def _invalid_reason(deployment: Deployment, snapshot: Snapshot) -> str:
    containers = snapshot.of(deployment.id)
    if containers is None:
        return f"{deployment.problem}; {_engine_silent(snapshot)}"
    gateway = deployment.gateway_in(containers)
    if gateway is None:
        return f"{deployment.problem}; it has no container"
    return f"{deployment.problem}; its container is {gateway.state} and can be stopped"


def _engine_silent(snapshot: Snapshot) -> str:
    return snapshot.problem.reason if snapshot.problem else ""


def _last_known(deployment: Deployment, last_status: LastStatus | None) -> LastStatus | None:
    """Return what was seen last, be it by an operation: the pages may not have been looked at."""
    operation = deployment.launch_or_stop
    if operation is None or operation.state is not OperationState.SUCCEEDED:
        return last_status
    at = operation.ended_at or operation.started_at
    if last_status and last_status.at >= at:
        return last_status
    if operation.kind in STOPS:
        return LastStatus(Status.STOPPED, at)
    return LastStatus(Status.RUNNING, at) if operation.verified else last_status


def _unknown_reason(problem: str, last_status: LastStatus | None) -> tuple[SentencePart, ...]:
    if last_status is None:
        return (problem,)
    at = last_status.at
    return f"{problem}; last seen {last_status.status} at ", TimeOfDay(at), ", ", TimeAgo(at)


def _moving(operation: Operation) -> _Decided:
    if operation.cancelled_by:
        return (
            Status.STOPPING,
            f"the {operation.kind.noun} is being cancelled by {operation.cancelled_by}",
        )
    status = Status.STOPPING if operation.kind in STOPS else Status.LAUNCHING
    return status, f"started by {operation.actor}, for ", Elapsed(operation.started_at)


def _without_container(deployment: Deployment) -> _Decided:
    operation = deployment.launch_or_stop
    if operation is None:
        if deployment.configured_here:
            return Status.CONFIGURED, "not launched yet"
        return Status.STOPPED, "it has no container"
    when = TimeAgo(operation.ended_at or operation.started_at)
    brings_up = operation.kind not in STOPS
    if brings_up and operation.state is OperationState.INTERRUPTED:
        what = f"the {operation.kind.noun} was interrupted, "
        if operation.kind.facts.can_be_resumed:
            return Status.FAILED, what, when, "; finish it or undo it"
        return Status.FAILED, what, when, "; launch again"
    if brings_up and operation.state is OperationState.FAILED:
        return Status.FAILED, when, f": {operation.reason}"
    if operation.state is OperationState.CANCELLED:
        who = operation.cancelled_by
        return Status.STOPPED, f"the {operation.kind.noun} was cancelled by {who}, ", when
    if operation.kind is OperationKind.ARCHIVE:
        return Status.STOPPED, f"taken down by {operation.actor} to be archived, ", when
    if operation.kind is OperationKind.STOP and operation.state is OperationState.SUCCEEDED:
        return Status.STOPPED, f"stopped by {operation.actor}, ", when
    return Status.STOPPED, "its container was removed outside Deploy Agent"


def _created(gateway: Container, deployment: Deployment, now: datetime) -> _Decided:
    error = gateway.details.error if gateway.details else ""
    return Status.FAILED, f"created but never started{f': {error}' if error else ''}"


def _exited(gateway: Container, deployment: Deployment, now: datetime) -> _Decided:
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
        return Status.FAILED, f"killed for want of memory{lasted}", *when
    if details.error:
        return Status.FAILED, details.error, *when
    # A policy that always restarts leaves a container down only where somebody stopped it.
    kept_up = details.restart_policy in ("always", "unless-stopped")
    code = details.exit_code
    if kept_up or code in ASKED_TO_END:
        return Status.STOPPED, f"stopped outside Deploy Agent, exit code {code}", *when
    return Status.FAILED, f"exited with code {code}{lasted}", *when


def _restarting(gateway: Container, deployment: Deployment, now: datetime) -> _Decided:
    return Status.RESTARTING, _crash_loop(gateway)


def _crash_loop(gateway: Container) -> str:
    """Say the same of a gateway between two runs and in one: half of the time it is either."""
    ended, count = gateway.last_exit, gateway.details.restart_count if gateway.details else 0
    cause = f": exit code {ended.exit_code}" if ended else ""
    if ended and ended.out_of_memory:
        cause = ": killed for want of memory"
    if count == 1:
        return f"it ended and was started again by Docker{cause}"
    times = f", {count} restarts" if count else ""
    return f"it keeps ending and is started again{cause}{times}"


def _running(
    gateway: Container, deployment: Deployment, now: datetime, readiness: Readiness | None
) -> _Decided:
    details, started_at = gateway.details, gateway.runs_since
    since = Elapsed(started_at) if started_at else _listed_age(gateway)
    proven = _is_proven(gateway, deployment.operation)
    if details and details.restart_count and _is_young(started_at, now, _YOUNG) and not proven:
        return Status.RESTARTING, _crash_loop(gateway)
    failed_check, has_passed = None, False
    if readiness and (readiness.container_id, readiness.started_at) == (gateway.id, started_at):
        failed_check, has_passed = readiness.failed_check, readiness.has_passed
        started = proven or has_passed or gateway.health == "unhealthy"
        if failed_check and not started and _is_young(started_at, now, readiness.grace):
            return Status.LAUNCHING, "up ", since, f", not ready yet: {_words_of(failed_check)}"
    if failed_check:
        return Status.UNHEALTHY, _words_of(failed_check)
    if gateway.health == "unhealthy":
        output = details.health_output.strip() if details else ""
        return Status.UNHEALTHY, f"its health check fails{f': {output}' if output else ''}"
    if gateway.health in ("healthy", None):
        return Status.RUNNING, "up ", since
    if proven:
        return Status.RUNNING, "up ", since, ", verified at launch"
    if has_passed:
        return Status.RUNNING, "up ", since, ", it answers and takes its token"
    return Status.LAUNCHING, "up ", since, ", its health check has not answered yet"


def _is_proven(gateway: Container, operation: Operation | None) -> bool:
    """Say whether this very run was proven by a launch. The list alone does not name a run: then
    it is the one that began before that launch ended."""
    if operation is None or operation.verified is None:
        return False
    if gateway.details:
        return operation.verified == gateway.run
    began, ended = gateway.started_at, operation.ended_at
    return operation.verified.container_id == gateway.id and bool(
        began and ended and began <= ended
    )


def _is_young(started_at: datetime | None, now: datetime, limit: timedelta) -> bool:
    """Say whether a run began within a time. A start in the future is of a clock that was set
    back: it says nothing of its age."""
    return bool(started_at and timedelta(0) <= now - started_at < limit)


def _words_of(check: ReadinessCheck) -> str:
    """Return what a failed check found, as the end of a sentence."""
    return f"{check.detail[:1].lower()}{check.detail[1:]}".rstrip(".")


def _listed_age(gateway: Container) -> str:
    return gateway.status_text.removeprefix("Up ").partition(" (")[0].lower()


def _paused(gateway: Container, deployment: Deployment, now: datetime) -> _Decided:
    return Status.UNHEALTHY, f"paused; `docker unpause {gateway.name}` wakes it"


def _removing(gateway: Container, deployment: Deployment, now: datetime) -> _Decided:
    return Status.STOPPING, "Docker is removing its container"


def _dead(gateway: Container, deployment: Deployment, now: datetime) -> _Decided:
    return Status.FAILED, "Docker could not remove its container; stop it again"


def _strange(gateway: Container, deployment: Deployment, now: datetime) -> _Decided:
    return Status.UNKNOWN, f"Docker calls its container “{gateway.state}”"


_STATES: dict[str, Callable[[Container, Deployment, datetime], _Decided]] = {
    "created": _created,
    "exited": _exited,
    "restarting": _restarting,
    "paused": _paused,
    "removing": _removing,
    "dead": _dead,
}
