"""The rules that derive a deployment's status from folder, snapshot and latest operation."""

from datetime import datetime

from app.core.deployment import Deployment
from app.core.operations.kinds import STOPS, OperationKind
from app.core.operations.operation import Operation, OperationState
from app.core.snapshot import Snapshot
from app.core.status.container_rules import Derived, not_running, running
from app.core.status.readiness import Readiness
from app.core.status.status import LastStatus, Status, StatusReport
from app.core.time_words import Elapsed, SentencePart, TimeAgo, TimeOfDay


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
    status, *reason_parts = _derived(deployment, snapshot, now, last_status, readiness)
    return StatusReport(status, tuple(reason_parts), now)


def _derived(
    deployment: Deployment,
    snapshot: Snapshot,
    now: datetime,
    last_status: LastStatus | None,
    readiness: Readiness | None,
) -> Derived:
    if deployment.problem:
        return Status.INVALID, _invalid_reason(deployment, snapshot)
    if snapshot.problem:
        known = _last_known(deployment, last_status)
        return Status.UNKNOWN, *_unknown_reason(snapshot.problem.reason, known)
    if operation := deployment.running_operation:
        return _during_operation(operation)
    gateway = deployment.gateway_in(snapshot.of(deployment.id) or ())
    if gateway and gateway.state == "running":
        return running(gateway, deployment, now, readiness)
    if gateway:
        return not_running(gateway)
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
    """Return the latest known status: `last_status`, or what a later operation shows."""
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


def _during_operation(operation: Operation) -> Derived:
    if operation.cancelled_by:
        return (
            Status.STOPPING,
            f"the {operation.kind.noun} is being cancelled by {operation.cancelled_by}",
        )
    status = Status.STOPPING if operation.kind in STOPS else Status.LAUNCHING
    return status, f"started by {operation.actor}, for ", Elapsed(operation.started_at)


def _without_container(deployment: Deployment) -> Derived:
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
