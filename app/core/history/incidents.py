"""Incidents: what happens to a gateway outside our operations, derived from the engine's events.

One incident is several events (`docker stop` sends kill, die and stop), and a crash loop is
thousands. The first event begins an entry in the history, and later events update the entry, so a
crash loop is one entry with a count.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.records import parse_moment

EXITED, STARTED, REMOVED = "exited", "started", "removed"
PAUSED, UNPAUSED, UNHEALTHY = "paused", "unpaused", "unhealthy"
INCIDENT_KINDS = (EXITED, STARTED, REMOVED, PAUSED, UNPAUSED, UNHEALTHY)

# Who caused an incident. The engine does not know who acts outside Deploy Agent.
BY_HAND, BY_ITSELF, UNOBSERVED = "outside", "the gateway", "not seen"

# The longest time between events of one incident: a stop may wait for the gateway to exit.
_SAME_INCIDENT = timedelta(seconds=60)
# Docker's restart policy waits up to a minute before a restart.
_AUTO_RESTART = timedelta(seconds=75)
# Another exit within this time counts as a repetition of the last exit.
_REPETITION = timedelta(minutes=10)
AT_ONCE = timedelta(seconds=2)
# A changed entry is written once this much time has passed without another event.
_QUIET = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class ContainerEvent:
    """An event that the engine sends about a deployment's container.

    `action` is Docker's word: start, die, kill, destroy, oom, pause, … `attributes` are Docker's
    too: exitCode, signal, image, the container's labels.
    """

    deployment_id: str
    container_id: str
    action: str
    at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident, as far as it is known. `more` are the entry's other keys."""

    what: str
    container: str
    at: datetime
    last_at: datetime
    who: str
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return int(self.more.get("count", 1))

    def detail(self, key: str) -> Any:
        return self.more.get(key)


@dataclass(slots=True)
class ExitSigns:
    """The engine's reports before a container exits: a signal, an out-of-memory event."""

    signal: int | None = None
    signaled_at: datetime | None = None
    out_of_memory: bool = False

    def note(self, event: ContainerEvent) -> None:
        if event.action == "kill":
            self.signal = _number(event.attributes.get("signal"))
            self.signaled_at = event.at
        elif event.action == "oom":
            self.out_of_memory = True


def next_incident(
    event: ContainerEvent, signs: ExitSigns, latest: Incident | None
) -> Incident | None:
    """Return the incident that an event begins or updates, or None if the event means nothing.

    `latest` is the deployment's latest incident. An updated incident keeps its `at`.
    """
    same = latest if latest and latest.container == event.container_id[:12] else None
    if same and same.detail("missed") and event.at - same.last_at < AT_ONCE:
        return None  # This exit is already recorded as a missed incident.
    handle = _HANDLERS.get(event.action.replace("health_status: ", ""))
    return handle(event, signs, same) if handle else None


def exit_code_of(event: ContainerEvent) -> int | None:
    return _number(event.attributes.get("exitCode"))


def _died(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident:
    more: dict[str, Any] = {"code": exit_code_of(event)}
    if signs.out_of_memory:
        more["out_of_memory"] = True
    if signs.signaled_at and event.at - signs.signaled_at < _SAME_INCIDENT:
        return _new(EXITED, event, {**more, "signal": signs.signal})
    if latest and latest.who == BY_ITSELF and latest.detail("restarted") and _again(event, latest):
        counted = {**latest.more, **more, "count": latest.count + 1, "restarted": False}
        return _updated(latest, event, counted)
    return replace(_new(EXITED, event, more), who=BY_ITSELF)


def _stopped(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident | None:
    if latest and latest.what == EXITED and event.at - latest.last_at < _SAME_INCIDENT:
        return replace(_updated(latest, event, {**latest.more, "how": "stopped"}), who=BY_HAND)
    return None


def _started(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident:
    """A start soon after an exit continues that incident: Docker's restart or `docker restart`."""
    if latest and latest.what == EXITED and not latest.detail("restarted"):
        soon = _AUTO_RESTART if latest.who == BY_ITSELF else AT_ONCE
        if event.at - latest.last_at < soon:
            return _updated(latest, event, {**latest.more, "restarted": True})
    return _new(STARTED, event, {})


def _restarted(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident | None:
    if latest and latest.detail("how") == "stopped":
        return _updated(latest, event, {**latest.more, "how": "restarted"})
    return None


def _removed(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident:
    if latest and latest.what == EXITED and event.at - latest.last_at < _SAME_INCIDENT:
        return _updated(latest, event, {**latest.more, "how": "removed"})
    return _new(REMOVED, event, {})


def _unhealthy(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident | None:
    if latest and latest.what == UNHEALTHY and _again(event, latest):
        if not latest.detail("well"):
            return None
        return _updated(latest, event, {"count": latest.count + 1, "well": False})
    return replace(_new(UNHEALTHY, event, {}), who=BY_ITSELF)


def _healthy(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident | None:
    """A passing health check matters only after a failed check."""
    if latest and latest.what == UNHEALTHY and not latest.detail("well"):
        return _updated(latest, event, {**latest.more, "well": True})
    return None


def _paused(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident:
    return _new(PAUSED, event, {})


def _unpaused(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident:
    return _new(UNPAUSED, event, {})


_HANDLERS: dict[str, Callable[[ContainerEvent, ExitSigns, Incident | None], Incident | None]] = {
    "die": _died,
    "stop": _stopped,
    "start": _started,
    "restart": _restarted,
    "destroy": _removed,
    "unhealthy": _unhealthy,
    "healthy": _healthy,
    "pause": _paused,
    "unpause": _unpaused,
}


def should_write(incident: Incident, written: Incident, now: datetime) -> bool:
    """Return whether an incident differs enough from its written entry to be written now.

    A new kind of fact is written at once. A repetition is written the first few times, then less
    and less often, so that a crash loop does not fill the disk.
    """
    if _facts(incident) != _facts(written) or incident.at != written.at:
        return True
    if incident == written:
        return False
    digits = str(incident.count)
    milestone = digits[0] in "125" and not digits[1:].strip("0")
    if milestone and incident.count > written.count:
        return True
    return now - written.last_at > _REPETITION or now - incident.last_at > _QUIET


def _facts(incident: Incident) -> tuple[object, ...]:
    """Return what makes an update a new fact rather than a repetition."""
    loops = incident.count > 1
    flips = () if loops else (incident.detail("restarted"), incident.detail("well"))
    return (
        incident.what,
        incident.who,
        incident.detail("how"),
        incident.detail("code"),
        loops,
        flips,
    )


def to_entry(incident: Incident) -> dict[str, Any]:
    return {
        "at": incident.at.isoformat(timespec="milliseconds"),
        "what": incident.what,
        "who": incident.who,
        "container": incident.container,
        "last_at": incident.last_at.isoformat(timespec="milliseconds"),
        **incident.more,
    }


def entry_time(entry: Mapping[str, Any]) -> datetime | None:
    """Return an entry's time, or None. A time without a zone, written by hand, counts as UTC."""
    try:
        moment = datetime.fromisoformat(str(entry.get("at")))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def incident_in(entry: Mapping[str, Any]) -> Incident | None:
    """Return the incident in an entry, or None if the entry is not about an incident."""
    rest = dict(entry)
    try:
        return Incident(
            what=_incident_kind(rest.pop("what")),
            container=str(rest.pop("container")),
            at=parse_moment(rest.pop("at")),
            last_at=parse_moment(rest.pop("last_at")),
            who=str(rest.pop("who")),
            more={key: value for key, value in rest.items() if key != "n"},
        )
    except (KeyError, TypeError, ValueError):
        return None


def _incident_kind(what: str) -> str:
    if what not in INCIDENT_KINDS:
        raise ValueError(what)
    return what


def _again(event: ContainerEvent, latest: Incident) -> bool:
    return event.at - latest.last_at < _REPETITION


def _new(what: str, event: ContainerEvent, more: Mapping[str, Any]) -> Incident:
    return Incident(what, event.container_id[:12], event.at, event.at, BY_HAND, more)


def _updated(latest: Incident, event: ContainerEvent, more: Mapping[str, Any]) -> Incident:
    return replace(latest, last_at=event.at, more=more)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.lstrip("-").isdecimal() else None
