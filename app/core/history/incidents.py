"""What happens to a gateway from outside: the engine's events, told as few entries of a history.

One thing that happens is several events (`docker stop`: kill, die, stop), and a crash
loop is thousands of them. An entry begins with the first, and what follows is added
to it: a crash loop is one entry that counts.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.history.container_events import ContainerEvent
from app.core.operations.operation import Operation, OperationState
from app.core.records import parse_moment
from app.core.snapshot import Container

EXITED, STARTED, REMOVED = "exited", "started", "removed"
PAUSED, UNPAUSED, UNHEALTHY = "paused", "unpaused", "unhealthy"
INCIDENT_KINDS = (EXITED, STARTED, REMOVED, PAUSED, UNPAUSED, UNHEALTHY)

# Who did it; of what was done by hand, the engine knows no name.
BY_HAND, BY_ITSELF, UNOBSERVED = "outside", "the gateway", "not seen"

# What belongs together comes within this; until a gateway has ended, a stop may wait long.
_TOGETHER = timedelta(seconds=60)
# Docker waits up to a minute before it starts again what ended.
_REVIVED = timedelta(seconds=75)
# Of a gateway that ends again so soon, nobody needs another entry.
_AGAIN = timedelta(minutes=10)
_AT_ONCE = timedelta(seconds=2)
_QUIET = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Incident:
    """An entry as it stands; `more` is what it says beside the rest."""

    what: str
    container: str
    at: datetime
    last_at: datetime
    who: str
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return int(self.more.get("count", 1))

    def says(self, key: str) -> Any:
        return self.more.get(key)


@dataclass(slots=True)
class ExitSigns:
    """What was heard of a container before it ends: a signal, and that its memory was used up."""

    signal: int | None = None
    signalled_at: datetime | None = None
    out_of_memory: bool = False

    def hear(self, event: ContainerEvent) -> None:
        if event.action == "kill":
            self.signal = _number(event.attributes.get("signal"))
            self.signalled_at = event.at
        elif event.action == "oom":
            self.out_of_memory = True


def next_incident(
    event: ContainerEvent, signs: ExitSigns, latest: Incident | None
) -> Incident | None:
    """Return the incident that an event begins or goes on with; None where it tells nothing.

    One that goes on has the `at` of `latest`, the deployment's latest incident.
    """
    same = latest if latest and latest.container == event.container_id[:12] else None
    if same and same.says("missed") and event.at - same.last_at < _AT_ONCE:
        return None  # It was found already.
    tell = _TELLING.get(event.action.replace("health_status: ", ""))
    return tell(event, signs, same) if tell else None


def exit_code_of(event: ContainerEvent) -> int | None:
    return _number(event.attributes.get("exitCode"))


def _died(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident:
    more: dict[str, Any] = {"code": exit_code_of(event)}
    if signs.out_of_memory:
        more["out_of_memory"] = True
    if signs.signalled_at and event.at - signs.signalled_at < _TOGETHER:
        return _new(EXITED, event, {**more, "signal": signs.signal})
    if latest and latest.who == BY_ITSELF and latest.says("restarted") and _again(event, latest):
        counted = {**latest.more, **more, "count": latest.count + 1, "restarted": False}
        return _grown(latest, event, counted)
    return replace(_new(EXITED, event, more), who=BY_ITSELF)


def _stopped(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident | None:
    if latest and latest.what == EXITED and event.at - latest.last_at < _TOGETHER:
        return replace(_grown(latest, event, {**latest.more, "how": "stopped"}), who=BY_HAND)
    return None


def _started(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident:
    """What ended by itself is started again by Docker; `docker restart` starts at once."""
    if latest and latest.what == EXITED and not latest.says("restarted"):
        soon = _REVIVED if latest.who == BY_ITSELF else _AT_ONCE
        if event.at - latest.last_at < soon:
            return _grown(latest, event, {**latest.more, "restarted": True})
    return _new(STARTED, event, {})


def _restarted(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident | None:
    if latest and latest.says("how") == "stopped":
        return _grown(latest, event, {**latest.more, "how": "restarted"})
    return None


def _removed(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident:
    if latest and latest.what == EXITED and event.at - latest.last_at < _TOGETHER:
        return _grown(latest, event, {**latest.more, "how": "removed"})
    return _new(REMOVED, event, {})


def _unhealthy(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident | None:
    if latest and latest.what == UNHEALTHY and _again(event, latest):
        if not latest.says("well"):
            return None
        return _grown(latest, event, {"count": latest.count + 1, "well": False})
    return replace(_new(UNHEALTHY, event, {}), who=BY_ITSELF)


def _healthy(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident | None:
    """A gateway that gets well is told only where it was told to be ill."""
    if latest and latest.what == UNHEALTHY and not latest.says("well"):
        return _grown(latest, event, {**latest.more, "well": True})
    return None


def _paused(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident:
    return _new(PAUSED, event, {})


def _unpaused(event: ContainerEvent, signs: ExitSigns, latest: Incident | None) -> Incident:
    return _new(UNPAUSED, event, {})


_TELLING: dict[str, Callable[[ContainerEvent, ExitSigns, Incident | None], Incident | None]] = {
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


def is_due(incident: Incident, written: Incident, now: datetime) -> bool:
    """Return whether what an entry has grown by is to be written down now.

    What is new in kind at once; that it happened again at the first few times, then
    ever more rarely, so that a crash loop fills no disk.
    """
    if _kind(incident) != _kind(written) or incident.at != written.at:
        return True
    if incident == written:
        return False
    digits = str(incident.count)
    milestone = digits[0] in "125" and not digits[1:].strip("0")
    if milestone and incident.count > written.count:
        return True
    return now - written.last_at > _AGAIN or now - incident.last_at > _QUIET


def _kind(incident: Incident) -> tuple[object, ...]:
    loops = incident.count > 1
    flips = () if loops else (incident.says("restarted"), incident.says("well"))
    return incident.what, incident.who, incident.says("how"), incident.says("code"), loops, flips


def entry_of(incident: Incident) -> dict[str, Any]:
    """Return an incident as an entry of a history."""
    return {
        "at": incident.at.isoformat(timespec="milliseconds"),
        "what": incident.what,
        "who": incident.who,
        "container": incident.container,
        "last_at": incident.last_at.isoformat(timespec="milliseconds"),
        **incident.more,
    }


def time_of(entry: Mapping[str, Any]) -> datetime | None:
    """Return an entry's time; what was written by hand without a zone counts as UTC."""
    try:
        moment = datetime.fromisoformat(str(entry.get("at")))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def incident_in(entry: Mapping[str, Any]) -> Incident | None:
    """Return the incident that an entry tells of, if it is one."""
    rest = dict(entry)
    try:
        return Incident(
            what=_named(rest.pop("what")),
            container=str(rest.pop("container")),
            at=parse_moment(rest.pop("at")),
            last_at=parse_moment(rest.pop("last_at")),
            who=str(rest.pop("who")),
            more={key: value for key, value in rest.items() if key != "n"},
        )
    except (KeyError, TypeError, ValueError):
        return None


def _named(what: str) -> str:
    if what not in INCIDENT_KINDS:
        raise ValueError(what)
    return what


def _again(event: ContainerEvent, latest: Incident) -> bool:
    return event.at - latest.last_at < _AGAIN


def _new(what: str, event: ContainerEvent, more: Mapping[str, Any]) -> Incident:
    return Incident(what, event.container_id[:12], event.at, event.at, BY_HAND, more)


def _grown(latest: Incident, event: ContainerEvent, more: Mapping[str, Any]) -> Incident:
    return replace(latest, last_at=event.at, more=more)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.lstrip("-").isdecimal() else None


@dataclass(frozen=True, slots=True)
class RecordedState:
    """What a history says last of a gateway: until when, and the latest incident with its number.

    An incident from before the latest operation is over.
    """

    at: datetime | None = None
    incident: Incident | None = None
    number: int = 0


def known_from(newest_first: Iterable[Mapping[str, Any]]) -> RecordedState:
    for entry in newest_first:
        if incident := incident_in(entry):
            return RecordedState(incident.last_at, incident, int(entry.get("n") or 0))
        if "operation" in entry or entry.get("what") == "configure":
            return RecordedState(time_of(entry))
    return RecordedState()


def missed(
    gateway: Container | None, known: RecordedState, launch_or_stop: Operation | None, now: datetime
) -> Incident | None:
    """Return what must have happened while nobody listened, by what is there now."""
    if known.at is None:
        return None
    if gateway is None:
        return _gone(known, launch_or_stop, now)
    details = gateway.details
    if details is None or details.finished_at is None or details.finished_at <= known.at:
        return None
    latest = known.incident
    heard = latest and latest.what == EXITED and latest.container == gateway.id[:12]
    if heard and details.finished_at - known.at < _AT_ONCE:
        return None
    runs = gateway.state in ("running", "paused", "restarting")
    more: dict[str, Any] = {"code": None if runs else details.exit_code, "missed": True}
    if runs:
        more |= {"restarted": True, "restarts": details.restart_count}
    if details.out_of_memory:
        more["out_of_memory"] = True
    at = details.finished_at
    return Incident(EXITED, gateway.id[:12], at, at, UNOBSERVED, more)


def _gone(known: RecordedState, launch_or_stop: Operation | None, now: datetime) -> Incident | None:
    launched = (
        launch_or_stop is not None
        and launch_or_stop.launches
        and launch_or_stop.state is OperationState.SUCCEEDED
    )
    latest = known.incident
    told_before = latest and (latest.what == REMOVED or latest.says("how") == "removed")
    if not launched or told_before:
        return None
    return Incident(REMOVED, "", now, now, UNOBSERVED, {"missed": True})
