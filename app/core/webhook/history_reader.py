"""Read troubles from the entries of a history, oldest first."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
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
from app.core.operations.kinds import LAUNCHES, STOPS
from app.core.operations.operation import OperationState
from app.core.status.container_rules import ASKED_TO_END
from app.core.webhook.notifications import Notification, WebhookEvent
from app.core.webhook.troubles import (
    CursorUpdate,
    HistoryCursor,
    Trouble,
    after_failure,
    operation_noun,
    recovered,
)


def read_entries(
    cursor: HistoryCursor, deployment_id: str, entries: Iterable[Mapping[str, Any]]
) -> CursorUpdate:
    """Read newly appended entries. Return the new cursor and what to report."""
    notices: list[Notification] = []
    for entry in entries:
        cursor, found = _read(cursor, deployment_id, entry)
        cursor = replace(cursor, number=entry["n"])
        notices += found
    return cursor, notices


def _read(cursor: HistoryCursor, deployment_id: str, entry: Mapping[str, Any]) -> CursorUpdate:
    if isinstance(entry.get("of"), int):
        return _update(cursor, entry), []
    if incident := incident_in(entry):
        return _incident(cursor, entry, incident), []
    kind, _, state = str(entry.get("what")).partition(" ")
    number = entry.get("operation")
    if isinstance(number, int) and not state:
        return replace(cursor, operation=number, kind=kind), []
    handle = _OUTCOMES.get(state) if isinstance(number, int) or kind == "purge" else None
    return handle(cursor, deployment_id, kind, entry) if handle else (cursor, [])


def _update(cursor: HistoryCursor, entry: Mapping[str, Any]) -> HistoryCursor:
    trouble = cursor.trouble
    if trouble is None or trouble.number != entry["of"]:
        return cursor
    changes = {key: value for key, value in entry.items() if key not in ("n", "of", "at")}
    whole = {**trouble.entry, **changes}
    incident = incident_in(whole)
    if incident is None or _is_by_hand(incident):
        return replace(cursor, trouble=None)
    again = trouble.over and _count(whole) > _count(trouble.entry)
    updated = replace(trouble, entry=whole)
    return replace(cursor, trouble=replace(updated, told=None, over=False) if again else updated)


def _count(entry: Mapping[str, Any]) -> int:
    count = entry.get("count", 1)
    return count if isinstance(count, int) else 1


def _incident(cursor: HistoryCursor, entry: Mapping[str, Any], incident: Incident) -> HistoryCursor:
    if _is_by_hand(incident):
        return replace(cursor, trouble=None)
    if not _is_trouble(incident):
        return cursor
    before = cursor.trouble
    # Until the gateway has run again, this is the same trouble, which may be reported already.
    told = before.told if before and not before.over else None
    return replace(cursor, trouble=Trouble(int(entry["n"]), entry, told))


def _is_by_hand(incident: Incident) -> bool:
    """Return whether somebody ended the gateway on this host. That person knows already."""
    return incident.what == REMOVED or (incident.what == EXITED and incident.who == BY_HAND)


def _is_trouble(incident: Incident) -> bool:
    if incident.what == EXITED and incident.who == UNOBSERVED:
        # Docker counts only the restarts that it made itself.
        if incident.detail("restarted"):
            return bool(incident.detail("restarts"))
        return bool(incident.detail("out_of_memory")) or incident.detail("code") not in ASKED_TO_END
    return incident.what in (EXITED, UNHEALTHY)


def _failed(
    cursor: HistoryCursor, deployment_id: str, kind: str, entry: Mapping[str, Any]
) -> CursorUpdate:
    """Report a failed operation. A failed launch also begins a trouble."""
    at = entry_time(entry)
    if at is None:
        return cursor, []
    cursor = cursor if "operation" not in entry else replace(cursor, operation=None)
    named = f" of “{entry['name']}”" if entry.get("name") else ""
    reason = f"The {operation_noun(kind)}{named} failed. {entry.get('reason') or ''}".strip()
    of = str(entry.get("deployment") or "") or deployment_id
    notice = Notification(WebhookEvent.OPERATION_FAILED, of, int(entry["n"]), at, reason)
    return after_failure(cursor, kind, notice.incident), [notice]


def _succeeded(
    cursor: HistoryCursor, deployment_id: str, kind: str, entry: Mapping[str, Any]
) -> CursorUpdate:
    cursor = replace(cursor, operation=None)
    if kind in LAUNCHES:
        by = f" by {entry['who']}" if entry.get("who") else ""
        return recovered(
            cursor, deployment_id, entry_time(entry), f"The {operation_noun(kind)}{by} succeeded."
        )
    return (replace(cursor, trouble=None) if kind in STOPS else cursor), []


def _cancelled(
    cursor: HistoryCursor, deployment_id: str, kind: str, entry: Mapping[str, Any]
) -> CursorUpdate:
    return replace(cursor, operation=None, trouble=None), []


_OUTCOMES: dict[str, Callable[[HistoryCursor, str, str, Mapping[str, Any]], CursorUpdate]] = {
    OperationState.FAILED: _failed,
    OperationState.SUCCEEDED: _succeeded,
    OperationState.CANCELLED: _cancelled,
}
