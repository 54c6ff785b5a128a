"""Check an open trouble against the deployment's present state and the time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.core.history.incidents import EXITED, UNHEALTHY, Incident, incident_in
from app.core.history.timeline import timeline_of
from app.core.operations.kinds import OperationKind
from app.core.status.status import Status
from app.core.webhook.notifications import Notification, WebhookEvent
from app.core.webhook.troubles import (
    CursorUpdate,
    HistoryCursor,
    Trouble,
    after_failure,
    operation_noun,
    recovered,
)

# Wait before reporting a crash, which may become a loop, or a failed health check, which may pass.
_SETTLED = timedelta(seconds=10)
_LOOP = 3
# A crash loop is over after the gateway has run for twice the time between two crashes, within
# these limits.
_SHORTEST_CALM, _LONGEST_CALM = timedelta(minutes=1), timedelta(minutes=15)
# A trouble is reported again when it gets worse.
_BY_SEVERITY = (
    None,
    WebhookEvent.OPERATION_FAILED,
    WebhookEvent.UNHEALTHY,
    WebhookEvent.CRASHED,
    WebhookEvent.CRASH_LOOP,
)


@dataclass(frozen=True, slots=True)
class DeploymentCondition:
    """A deployment's status, when it began, and whether the operation was interrupted."""

    status: Status
    now: datetime
    since: datetime | None = None
    interrupted: bool = False


def check_condition(
    cursor: HistoryCursor, deployment_id: str, condition: DeploymentCondition
) -> CursorUpdate:
    """Return the new cursor, and what to report although no entry of the history says it."""
    notices: list[Notification] = []
    if cursor.operation is not None and condition.interrupted:
        notices.append(_interruption(cursor, deployment_id, condition.now))
        cursor = after_failure(replace(cursor, operation=None), cursor.kind, cursor.number)
    cursor, found = _check_trouble(cursor, deployment_id, condition)
    return cursor, notices + found


def _interruption(cursor: HistoryCursor, deployment_id: str, now: datetime) -> Notification:
    reason = (
        f"The {operation_noun(cursor.kind)} was interrupted: its process was killed, or the host"
        f" restarted. {OperationKind(cursor.kind).after_interruption}"
    )
    event = WebhookEvent.OPERATION_FAILED
    return Notification(event, deployment_id, cursor.number, now, reason)


def _check_trouble(
    cursor: HistoryCursor, deployment_id: str, condition: DeploymentCondition
) -> CursorUpdate:
    trouble = cursor.trouble
    if trouble is None or trouble.over:
        return cursor, []
    incident = incident_in(trouble.entry)
    due = _due(incident, condition.now) if incident else None
    if incident and _BY_SEVERITY.index(due) > _BY_SEVERITY.index(trouble.told):
        cursor = replace(cursor, trouble=replace(trouble, told=due))
        reason = _words(deployment_id, trouble)
        assert due is not None
        return cursor, [Notification(due, deployment_id, trouble.number, incident.last_at, reason)]
    if incident is None:
        return _check_after_failure(cursor, trouble, deployment_id, condition)
    if _runs_again(incident, condition):
        return recovered(
            cursor,
            deployment_id,
            condition.now,
            "It has been running without a problem for a while.",
        )
    return cursor, []


def _check_after_failure(
    cursor: HistoryCursor, trouble: Trouble, deployment_id: str, condition: DeploymentCondition
) -> CursorUpdate:
    if condition.status is Status.RUNNING:
        if trouble.down:
            return recovered(cursor, deployment_id, condition.now, "It is running.")
        return replace(cursor, trouble=None), []
    down = trouble.down or not (condition.status.moving or condition.status is Status.UNKNOWN)
    return replace(cursor, trouble=replace(trouble, down=down)), []


def _due(incident: Incident, now: datetime) -> WebhookEvent | None:
    """Return the event to report for an incident now, or None."""
    if incident.count >= _LOOP and incident.what == EXITED:
        return WebhookEvent.CRASH_LOOP
    if not _is_settled(incident, now):
        return None
    if incident.what == UNHEALTHY:
        return None if incident.detail("well") else WebhookEvent.UNHEALTHY
    # A gateway may exit on purpose to be restarted.
    intended = incident.detail("code") == 0 and incident.detail("restarted")
    return None if intended else WebhookEvent.CRASHED


def _is_settled(incident: Incident, now: datetime) -> bool:
    return now - incident.last_at >= _SETTLED


def _runs_again(incident: Incident, condition: DeploymentCondition) -> bool:
    if condition.status is not Status.RUNNING:
        return False
    if not _is_settled(incident, condition.now):
        return False
    # A crash loop is recorded less and less often, so this run may have begun after `last_at`.
    quiet_since = max(incident.last_at, condition.since or incident.last_at)
    return condition.now - quiet_since >= _calm(incident)


def _calm(incident: Incident) -> timedelta:
    if incident.count < _LOOP:
        return timedelta()
    apart = (incident.last_at - incident.at) / (incident.count - 1)
    return min(max(2 * apart, _SHORTEST_CALM), _LONGEST_CALM)


def _words(deployment_id: str, trouble: Trouble) -> str:
    return next(timeline_of(deployment_id, [trouble.entry])).words
