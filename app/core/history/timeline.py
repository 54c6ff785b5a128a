"""The history in words: each entry as what happened, of what kind, by whom, and how it ended."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.core.history import incidents
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import OperationState
from app.core.settings.fields import BY_NAME
from app.core.time_words import Ago, For, Part, TimeOfDay

Entry = Mapping[str, Any]
Words = Callable[[Entry], tuple[Part, ...]]


ENV_EDITED, COMPOSE_EDITED = "env_edited", "compose_edited"


class EntryKind(StrEnum):
    """What people filter by."""

    OPERATION = "operation"
    GATEWAY = "gateway"
    CHANGE = "change"
    DEVICE = "device"
    SECRET = "secret"  # noqa: S105 - a kind of entry
    PEOPLE = "people"


KIND_LABELS = {
    EntryKind.OPERATION: "Launches, stops and other operations",
    EntryKind.GATEWAY: "Crashes, ends and health of gateways",
    EntryKind.CHANGE: "Configuration",
    EntryKind.DEVICE: "Devices",
    EntryKind.SECRET: "Revealed secrets",
    EntryKind.PEOPLE: "People and tokens",
}


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened. `tone` is `good`, `bad`, `warn`, `busy` or `calm`."""

    deployment_id: str
    number: int
    at: datetime
    what: str
    kind: EntryKind
    tone: str
    told: tuple[Part, ...]
    who: str
    source: str
    outcome: str = ""
    detail: str = ""
    operation: int | None = None
    ended_at: datetime | None = None
    last_at: datetime | None = None
    container: str = ""
    more: Entry = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.deployment_id or '-'}/{self.number}"

    @property
    def words(self) -> str:
        """What happened, with its times as they are whenever it is read."""
        return "".join(each if isinstance(each, str) else _exactly(each) for each in self.told)

    @property
    def count(self) -> int:
        """How often it has happened."""
        count = self.more.get("count", 1)
        return count if isinstance(count, int) else 1

    @property
    def lasted(self) -> timedelta | None:
        return self.ended_at - self.at if self.ended_at else None

    @property
    def by(self) -> str:
        """Return by whom, as a page says it; nothing where nobody did it."""
        return _BY.get(self.who, f"by {self.who}" if self.who else "")


def _exactly(part: Ago | For | TimeOfDay) -> str:
    return f"at {part.moment.isoformat(timespec='seconds')}"


_BY = {
    incidents.BY_HAND: "outside Deploy Agent",
    incidents.BY_ITSELF: "",
    incidents.UNOBSERVED: "while nobody watched",
}


def timeline_of(
    deployment_id: str, entries: Iterable[Entry], running: int | None = None
) -> Iterator[TimelineEntry]:
    """Turn a history, newest first, into moments; an operation and its outcome are one.

    `running` is the operation that is under way: any other without an outcome was interrupted.
    """
    outcomes: dict[object, Entry] = {}
    failed: set[tuple[str, str, str]] = set()
    for entry in entries:
        what, number = entry.get("what"), entry.get("operation")
        if not isinstance(what, str) or incidents.time_of(entry) is None:
            continue
        if isinstance(number, int):
            kind, _, state = what.partition(" ")
            if state:
                outcomes[number] = {**entry, "state": state}
            else:
                yield _operation(deployment_id, entry, kind, outcomes.pop(number, None), running)
        else:
            # A deed on a device is recorded before it is done, and again where it failed.
            of = str(entry.get("request")), str(entry.get("device"))
            deed = what.removesuffix("_failed"), *of
            if deed in failed:
                failed.discard(deed)
                continue
            if what.endswith("_failed"):
                failed.add(deed)
            yield _plain(deployment_id, entry, what)


def _operation(
    deployment_id: str, entry: Entry, kind: str, outcome: Entry | None, running: int | None
) -> TimelineEntry:
    under_way = outcome is None and running == entry["operation"]
    state = str(outcome["state"]) if outcome else "running" if under_way else "interrupted"
    return TimelineEntry(
        **_common(deployment_id, entry),
        kind=EntryKind.OPERATION,
        tone=_TONES.get(state, "calm"),
        told=(f"{_operation_name(entry, kind)} {_phrase(state)}",),
        outcome=state,
        detail=str((outcome or {}).get("reason") or ""),
        operation=entry["operation"],
        ended_at=incidents.time_of(outcome) if outcome else None,
    )


_TONES = {"succeeded": "good", "failed": "bad", "interrupted": "bad", "running": "busy"}


def _phrase(state: str) -> str:
    return OperationState(state).phrase if state in list(OperationState) else state


def _operation_name(entry: Entry, kind: str) -> str:
    arguments = entry.get("arguments")
    if not isinstance(arguments, Mapping):
        arguments = {}
    if kind not in list(OperationKind):
        return kind.replace("-", " ").capitalize()
    title = _title(OperationKind(kind), {key: value for key, value in arguments.items() if value})
    return f"Undoing the {title[0].lower()}{title[1:]}" if "undo" in arguments else title


def _title(kind: OperationKind, arguments: Mapping[str, Any]) -> str:
    """Return the title of an operation; an entry of an older version may lack its arguments."""
    shown = dict(arguments)
    if changed := arguments.get("changed"):
        names = str(changed).split(", ")
        shown["changed"] = ", ".join(
            BY_NAME[each].label if each in BY_NAME else each for each in names
        )
    with suppress(KeyError):
        return kind.facts.title.format_map(shown)
    return kind.noun.capitalize()


def _plain(deployment_id: str, entry: Entry, what: str) -> TimelineEntry:
    kind, tone, words = _WORDS.get(what, (EntryKind.CHANGE, "calm", _unknown))
    incident = incidents.incident_in(entry)
    return TimelineEntry(
        **_common(deployment_id, entry),
        kind=kind,
        tone=_incident_tone(incident, tone) if incident else tone,
        told=words(entry),
        outcome=str(entry.get("outcome") or ""),
        detail=str(entry.get("reason") or ""),
        container=incident.container if incident else "",
        last_at=incident.last_at if incident else None,
    )


def _common(deployment_id: str, entry: Entry) -> dict[str, Any]:
    number = entry.get("n")
    return {
        "deployment_id": deployment_id,
        "number": number if isinstance(number, int) else 0,
        "at": incidents.time_of(entry),
        "what": entry["what"],
        "who": str(entry.get("who") or ""),
        "source": str(entry.get("from") or ""),
        "more": {key: value for key, value in entry.items() if key not in _TOLD_APART},
    }


_TOLD_APART = ("n", "at", "what", "who", "from", "outcome", "operation", "container", "last_at")


def _incident_tone(incident: incidents.Incident, tone: str) -> str:
    if incident.what == incidents.EXITED:
        asked = incident.who == incidents.BY_HAND or incident.says("code") == 0
        return "warn" if asked else "bad"
    return "calm" if incident.says("well") else tone


def _exited(entry: Entry) -> tuple[Part, ...]:
    incident = incidents.incident_in(entry)
    if incident is None:
        return _unknown(entry)
    if incident.who == incidents.BY_HAND:
        return (_ended_by_hand(incident),)
    again = "; Docker started it again" if incident.says("restarted") else ""
    if incident.says("how") == "removed":
        again = "; its container was removed then"
    if incident.count > 1:
        often = f"{_ended(incident)}, {incident.count} times, the last "
        return often, Ago(incident.last_at), again
    return (f"{_ended(incident)}{again}",)


def _ended(incident: incidents.Incident) -> str:
    code = incident.says("code")
    if incident.says("out_of_memory"):
        return "Killed for want of memory"
    if code is None:
        return "Ended"
    return f"Ended by itself, exit code {code}" if code == 0 else f"Crashed with exit code {code}"


def _ended_by_hand(incident: incidents.Incident) -> str:
    code = incident.says("code")
    ending = f", exit code {code}" if code is not None else ""
    match incident.says("how"):
        case "stopped":
            return f"Stopped{ending}{'; then started again' if incident.says('restarted') else ''}"
        case "restarted":
            return f"Restarted{ending}"
        case "removed":
            return f"Stopped and its container removed{ending}"
    again = "; then started again" if incident.says("restarted") else ""
    return f"Ended by signal {incident.says('signal') or 'of unknown number'}{ending}{again}"


def _unhealthy(entry: Entry) -> tuple[Part, ...]:
    times = entry.get("count", 1)
    often = f", {times} times" if times != 1 else ""
    return (
        f"Its health check failed{often}{'; healthy again since' if entry.get('well') else ''}",
    )


def _configured(entry: Entry) -> tuple[Part, ...]:
    return ("Configured",)


def _said(text: str) -> Words:
    return lambda entry: (text,)


def _device(deed: str) -> Words:
    return lambda entry: (f"{entry.get('label') or 'A device'} {deed}{_from(entry)}",)


def _from(entry: Entry) -> str:
    return f", at {entry['address']}" if entry.get("address") else ""


def _user(text: str) -> Words:
    return lambda entry: (text.format(entry.get("user") or entry.get("token") or "?"),)


def _revealed(entry: Entry) -> tuple[Part, ...]:
    name = str(entry.get("field") or "")
    return (f"{BY_NAME[name].label if name in BY_NAME else name or 'A secret'} revealed",)


def _copied(entry: Entry) -> tuple[Part, ...]:
    return (f"Secrets copied for {entry.get('to') or 'another deployment'}",)


def _asked(entry: Entry) -> tuple[Part, ...]:
    model = f" for {entry['model']}" if entry.get("model") else ""
    return (f"Asked the provider{model}: {str(entry.get('code') or '?').replace('_', ' ')}",)


def _edited(file: str) -> Words:
    def words(entry: Entry) -> tuple[Part, ...]:
        given = entry.get("keys")
        keys = ", ".join(map(str, given if isinstance(given, list) else ()))
        return (f"{file} was edited{f': {keys}' if keys else ''}",)

    return words


def _restored(entry: Entry) -> tuple[Part, ...]:
    port, before = entry.get("port"), entry.get("port_before")
    moved = f"; its port is {port} now, since {before} was taken" if port else ""
    return (f"Restored from the archive{moved}",)


def _tested(entry: Entry) -> tuple[Part, ...]:
    arrived = "arrived" if entry.get("outcome") == "succeeded" else "did not arrive"
    return (f"The webhook was tested: the message {arrived}",)


def _undone(entry: Entry) -> tuple[Part, ...]:
    return (f"Image and state put back after the update to {entry.get('image') or '?'}",)


def _purge(text: str) -> Words:
    return lambda entry: (f"{text} {entry.get('name') or entry.get('deployment') or ''}".rstrip(),)


def _stranded(text: str) -> Words:
    return lambda entry: (f"{text}: {entry.get('parts') or entry.get('project') or '?'}",)


def _unknown(entry: Entry) -> tuple[Part, ...]:
    return (str(entry.get("what")).replace("_", " ").capitalize(),)


_WORDS: dict[str, tuple[EntryKind, str, Words]] = {
    incidents.EXITED: (EntryKind.GATEWAY, "bad", _exited),
    incidents.STARTED: (EntryKind.GATEWAY, "good", _said("Started")),
    incidents.REMOVED: (EntryKind.GATEWAY, "warn", _said("Its container was removed")),
    incidents.PAUSED: (EntryKind.GATEWAY, "warn", _said("Paused")),
    incidents.UNPAUSED: (EntryKind.GATEWAY, "good", _said("Woken from its pause")),
    incidents.UNHEALTHY: (EntryKind.GATEWAY, "warn", _unhealthy),
    "configure": (EntryKind.CHANGE, "calm", _configured),
    ENV_EDITED: (EntryKind.CHANGE, "calm", _edited(".env")),
    COMPOSE_EDITED: (EntryKind.CHANGE, "calm", _edited("docker-compose.yml")),
    "restore": (EntryKind.CHANGE, "calm", _restored),
    "undo_update": (EntryKind.CHANGE, "warn", _undone),
    "purge": (EntryKind.CHANGE, "warn", _purge("Purge of")),
    "purge succeeded": (EntryKind.CHANGE, "calm", _purge("Purged")),
    "purge failed": (EntryKind.CHANGE, "bad", _purge("The purge failed of")),
    "remove stranded": (EntryKind.CHANGE, "warn", _stranded("Removal of what was stranded")),
    "remove stranded succeeded": (EntryKind.CHANGE, "calm", _stranded("Removed what was stranded")),
    "remove stranded failed": (EntryKind.CHANGE, "bad", _stranded("The removal failed of")),
    "reveal": (EntryKind.SECRET, "calm", _revealed),
    "copy_secrets": (EntryKind.SECRET, "calm", _copied),
    "ask provider": (EntryKind.OPERATION, "calm", _asked),
    "approve_device": (EntryKind.DEVICE, "good", _device("was let in")),
    "approve_device_failed": (EntryKind.DEVICE, "bad", _device("could not be let in")),
    "reject_device": (EntryKind.DEVICE, "calm", _device("was turned away")),
    "reject_device_failed": (EntryKind.DEVICE, "bad", _device("could not be turned away")),
    "remove_device": (EntryKind.DEVICE, "calm", _device("was removed")),
    "remove_device_failed": (EntryKind.DEVICE, "bad", _device("could not be removed")),
    "test_webhook": (EntryKind.CHANGE, "calm", _tested),
    "add_user": (EntryKind.PEOPLE, "calm", _user("User {} added")),
    "set_password": (EntryKind.PEOPLE, "calm", _user("New password for {}")),
    "remove_user": (EntryKind.PEOPLE, "calm", _user("User {} removed")),
    "make_token": (EntryKind.PEOPLE, "calm", _user("Token {} made")),
    "revoke_token": (EntryKind.PEOPLE, "calm", _user("Token {} revoked")),
}


def has_words(what: str) -> bool:
    """Return whether there are words for what the code records."""
    kind, _, state = what.partition(" ")
    operation = kind in list(OperationKind) and (not state or state in list(OperationState))
    return what in _WORDS or operation
