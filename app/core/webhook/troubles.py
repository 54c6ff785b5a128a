"""Troubles: when something is worth a notice, and when it is over; each is told once.

Read from what a history records, so that a server that was restarted goes on where it was.
One trouble of a deployment goes on until it runs again or somebody stops it: whatever
belongs to it is told once, but for getting worse (a crash that becomes a crash loop).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.core.history.incidents import (
    BY_HAND,
    EXITED,
    REMOVED,
    UNHEALTHY,
    UNOBSERVED,
    Incident,
    entry_time,
    incident_in,
)
from app.core.history.timeline import timeline_of
from app.core.operations.kinds import LAUNCHES, STOPS, OperationKind
from app.core.operations.operation import OperationState
from app.core.status.status import ASKED_TO_END, Status
from app.core.webhook.notices import Notification, WebhookEvent

# What ends again at once is told as a loop, not as a crash first; a health check may flap.
_SETTLED = timedelta(seconds=10)
_LOOP = 3
# A loop has ended where it has been quiet for twice as long as it took from end to end.
_CALM, _LONGEST_CALM = timedelta(minutes=1), timedelta(minutes=15)
# What is worse than what was told is told as well.
_GRAVITY = (
    None,
    WebhookEvent.OPERATION_FAILED,
    WebhookEvent.UNHEALTHY,
    WebhookEvent.CRASHED,
    WebhookEvent.CRASH_LOOP,
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a deployment, and what of it was `told`; kept once it is `over`.

    `entry` is the history's entry of it, with all that was added to it. `down` says that the
    gateway was seen not to run since: an operation may fail and leave it well.
    """

    number: int
    entry: Mapping[str, Any]
    told: WebhookEvent | None = None
    over: bool = False
    down: bool = False


@dataclass(frozen=True, slots=True)
class HistoryCursor:
    """How far a history was read: its last entry's number, and what goes on by then."""

    number: int = 0
    trouble: Trouble | None = None
    operation: int | None = None
    kind: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether time alone may bring something to tell."""
        return self.operation is not None or bool(self.trouble and not self.trouble.over)


def read_entries(
    place: HistoryCursor, deployment_id: str, entries: Iterable[Mapping[str, Any]]
) -> tuple[HistoryCursor, list[Notification]]:
    """Go on with entries as they were appended, oldest first."""
    notices: list[Notification] = []
    for entry in entries:
        place, found = _read(place, deployment_id, entry)
        place = replace(place, number=entry["n"])
        notices += found
    return place, notices


# How far it was read, and what is to be told by then.
_Read = tuple[HistoryCursor, list[Notification]]


def _read(place: HistoryCursor, deployment_id: str, entry: Mapping[str, Any]) -> _Read:
    if isinstance(entry.get("of"), int):
        return _grown(place, entry), []
    if incident := incident_in(entry):
        return _happened(place, entry, incident), []
    kind, _, state = str(entry.get("what")).partition(" ")
    number = entry.get("operation")
    if isinstance(number, int) and not state:
        return replace(place, operation=number, kind=kind), []
    ended = _ENDED.get(state) if isinstance(number, int) or kind == "purge" else None
    return ended(place, deployment_id, kind, entry) if ended else (place, [])


def _grown(place: HistoryCursor, entry: Mapping[str, Any]) -> HistoryCursor:
    trouble = place.trouble
    if trouble is None or trouble.number != entry["of"]:
        return place
    added = {key: value for key, value in entry.items() if key not in ("n", "of", "at")}
    whole = {**trouble.entry, **added}
    incident = incident_in(whole)
    if incident is None or _is_by_hand(incident):
        return replace(place, trouble=None)
    again = trouble.over and _count(whole) > _count(trouble.entry)
    grown = replace(trouble, entry=whole)
    return replace(place, trouble=replace(grown, told=None, over=False) if again else grown)


def _count(entry: Mapping[str, Any]) -> int:
    count = entry.get("count", 1)
    return count if isinstance(count, int) else 1


def _happened(place: HistoryCursor, entry: Mapping[str, Any], incident: Incident) -> HistoryCursor:
    if _is_by_hand(incident):
        return replace(place, trouble=None)
    if not _is_trouble(incident):
        return place
    before = place.trouble
    # What follows before it ran again is the same trouble: as after a server's own restart.
    told = before.told if before and not before.over else None
    return replace(place, trouble=Trouble(int(entry["n"]), entry, told))


def _is_by_hand(incident: Incident) -> bool:
    """Return whether somebody at the host has ended a gateway: who did it knows."""
    return incident.what == REMOVED or (incident.what == EXITED and incident.who == BY_HAND)


def _is_trouble(incident: Incident) -> bool:
    if incident.what == EXITED and incident.who == UNOBSERVED:
        # Of what runs again, Docker counts its own restarts, not those by hand.
        if incident.detail("restarted"):
            return bool(incident.detail("restarts"))
        return bool(incident.detail("out_of_memory")) or incident.detail("code") not in ASKED_TO_END
    return incident.what in (EXITED, UNHEALTHY)


def _failed(place: HistoryCursor, deployment_id: str, kind: str, entry: Mapping[str, Any]) -> _Read:
    """An operation failed; where it should have brought the gateway up, that stays a trouble."""
    at = entry_time(entry)
    if at is None:
        return place, []
    whole = place if "operation" not in entry else replace(place, operation=None)
    named = f" of “{entry['name']}”" if entry.get("name") else ""
    reason = f"The {_noun(kind)}{named} failed. {entry.get('reason') or ''}".strip()
    of = str(entry.get("deployment") or "") or deployment_id
    notice = Notification(WebhookEvent.OPERATION_FAILED, of, int(entry["n"]), at, reason)
    return _after_failure(whole, kind, notice.incident), [notice]


def _after_failure(place: HistoryCursor, kind: str, number: int) -> HistoryCursor:
    if kind not in LAUNCHES:
        return place
    return replace(place, trouble=Trouble(number, {}, WebhookEvent.OPERATION_FAILED))


def _succeeded(
    place: HistoryCursor, deployment_id: str, kind: str, entry: Mapping[str, Any]
) -> _Read:
    place = replace(place, operation=None)
    if kind in LAUNCHES:
        by = f" by {entry['who']}" if entry.get("who") else ""
        return _over(place, deployment_id, entry_time(entry), f"The {_noun(kind)}{by} succeeded.")
    return (replace(place, trouble=None) if kind in STOPS else place), []


def _cancelled(
    place: HistoryCursor, deployment_id: str, kind: str, entry: Mapping[str, Any]
) -> _Read:
    return replace(place, operation=None, trouble=None), []


_ENDED: dict[str, Callable[[HistoryCursor, str, str, Mapping[str, Any]], _Read]] = {
    OperationState.FAILED: _failed,
    OperationState.SUCCEEDED: _succeeded,
    OperationState.CANCELLED: _cancelled,
}


def _noun(kind: str) -> str:
    return OperationKind(kind).noun if kind in list(OperationKind) else "deletion"


def _over(place: HistoryCursor, deployment_id: str, at: datetime | None, reason: str) -> _Read:
    trouble = place.trouble
    if trouble is None or trouble.over or at is None:
        return place, []
    place = replace(place, trouble=replace(trouble, over=True))
    if trouble.told is None:
        return place, []
    return place, [Notification(WebhookEvent.RECOVERED, deployment_id, trouble.number, at, reason)]


@dataclass(frozen=True, slots=True)
class DeploymentCondition:
    """A deployment as it is now: since when it is so, and whether its operation was interrupted."""

    status: Status
    now: datetime
    since: datetime | None = None
    interrupted: bool = False


def check_condition(place: HistoryCursor, deployment_id: str, seen: DeploymentCondition) -> _Read:
    """Return what time and the deployment's state tell, beyond what its history says."""
    notices: list[Notification] = []
    if place.operation is not None and seen.interrupted:
        reason = (
            f"The {_noun(place.kind)} was interrupted: its process was ended, or the host"
            f" restarted. {OperationKind(place.kind).after_interruption}"
        )
        notices.append(
            Notification(
                WebhookEvent.OPERATION_FAILED, deployment_id, place.number, seen.now, reason
            )
        )
        place = _after_failure(replace(place, operation=None), place.kind, place.number)
    place, found = _look_at_trouble(place, deployment_id, seen)
    return place, notices + found


def _look_at_trouble(place: HistoryCursor, deployment_id: str, seen: DeploymentCondition) -> _Read:
    trouble = place.trouble
    if trouble is None or trouble.over:
        return place, []
    incident = incident_in(trouble.entry)
    due = _due(incident, seen.now) if incident else None
    if incident and _GRAVITY.index(due) > _GRAVITY.index(trouble.told):
        place = replace(place, trouble=replace(trouble, told=due))
        reason = _words(deployment_id, trouble)
        assert due is not None
        return place, [Notification(due, deployment_id, trouble.number, incident.last_at, reason)]
    if incident is None:
        return _look_after_failure(place, trouble, deployment_id, seen)
    if _runs_again(incident, seen):
        return _over(place, deployment_id, seen.now, "It runs, and has been well for a while.")
    return place, []


def _look_after_failure(
    place: HistoryCursor, trouble: Trouble, deployment_id: str, seen: DeploymentCondition
) -> tuple[HistoryCursor, list[Notification]]:
    if seen.status is Status.RUNNING:
        if trouble.down:
            return _over(place, deployment_id, seen.now, "It runs.")
        return replace(place, trouble=None), []
    down = trouble.down or not (seen.status.moving or seen.status is Status.UNKNOWN)
    return replace(place, trouble=replace(trouble, down=down)), []


def _due(incident: Incident, now: datetime) -> WebhookEvent | None:
    """Return what an incident is to be told as by now."""
    if incident.count >= _LOOP and incident.what == EXITED:
        return WebhookEvent.CRASH_LOOP
    if not _is_settled(incident, now):
        return None
    if incident.what == UNHEALTHY:
        return None if incident.detail("well") else WebhookEvent.UNHEALTHY
    # A gateway may end to be started anew.
    meant = incident.detail("code") == 0 and incident.detail("restarted")
    return None if meant else WebhookEvent.CRASHED


def _is_settled(incident: Incident, now: datetime) -> bool:
    return now - incident.last_at >= _SETTLED


def _runs_again(incident: Incident, seen: DeploymentCondition) -> bool:
    if seen.status is not Status.RUNNING:
        return False
    if not _is_settled(incident, seen.now):
        return False
    # A loop is written down ever more rarely: the run itself says for how long it is quiet.
    quiet_since = max(incident.last_at, seen.since or incident.last_at)
    return seen.now - quiet_since >= _calm(incident)


def _calm(incident: Incident) -> timedelta:
    if incident.count < _LOOP:
        return timedelta()
    apart = (incident.last_at - incident.at) / (incident.count - 1)
    return min(max(2 * apart, _CALM), _LONGEST_CALM)


def _words(deployment_id: str, trouble: Trouble) -> str:
    return next(timeline_of(deployment_id, [trouble.entry])).words
