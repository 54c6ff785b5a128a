"""Incidents that nobody recorded: what must have happened while the server was not watching."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.history.incidents import (
    AT_ONCE,
    EXITED,
    REMOVED,
    UNOBSERVED,
    Incident,
    entry_time,
    incident_in,
)
from app.core.operations.operation import Operation, OperationState
from app.core.snapshot import Container


@dataclass(frozen=True, slots=True)
class RecordedState:
    """The end of a history: the last recorded time, and the latest incident with its number.

    `incident` is None if an operation or a configuration was recorded after the incident.
    """

    at: datetime | None = None
    incident: Incident | None = None
    number: int = 0


def last_recorded(newest_first: Iterable[Mapping[str, Any]]) -> RecordedState:
    """Return the last state of the gateway that a history records."""
    for entry in newest_first:
        if incident := incident_in(entry):
            return RecordedState(incident.last_at, incident, int(entry.get("n") or 0))
        if "operation" in entry or entry.get("what") == "configure":
            return RecordedState(entry_time(entry))
    return RecordedState()


def missed_incident(
    gateway: Container | None,
    recorded: RecordedState,
    launch_or_stop: Operation | None,
    now: datetime,
) -> Incident | None:
    """Return an incident that the container's present state shows but the history lacks."""
    if recorded.at is None:
        return None
    if gateway is None:
        return _missed_removal(recorded, launch_or_stop, now)
    details = gateway.details
    if details is None or details.finished_at is None or details.finished_at <= recorded.at:
        return None
    latest = recorded.incident
    is_known = latest and latest.what == EXITED and latest.container == gateway.id[:12]
    if is_known and details.finished_at - recorded.at < AT_ONCE:
        return None
    runs = gateway.state in ("running", "paused", "restarting")
    more: dict[str, Any] = {"code": None if runs else details.exit_code, "missed": True}
    if runs:
        more |= {"restarted": True, "restarts": details.restart_count}
    if details.out_of_memory:
        more["out_of_memory"] = True
    at = details.finished_at
    return Incident(EXITED, gateway.id[:12], at, at, UNOBSERVED, more)


def _missed_removal(
    recorded: RecordedState, launch_or_stop: Operation | None, now: datetime
) -> Incident | None:
    launched = (
        launch_or_stop is not None
        and launch_or_stop.launches
        and launch_or_stop.state is OperationState.SUCCEEDED
    )
    latest = recorded.incident
    is_known = latest and (latest.what == REMOVED or latest.detail("how") == "removed")
    if not launched or is_known:
        return None
    return Incident(REMOVED, "", now, now, UNOBSERVED, {"missed": True})
