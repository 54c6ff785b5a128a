"""Texts for the entries of a history, with their kinds and tones.

To record something new, add its text to `WORDS`; a test fails if the text is missing.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.core.history import incidents
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import OperationState
from app.core.settings.fields import BY_NAME
from app.core.time_words import SentencePart, TimeAgo

HistoryEntry = Mapping[str, Any]

ENV_EDITED, COMPOSE_EDITED = "env_edited", "compose_edited"


class EntryKind(StrEnum):
    """The kinds of entries that people filter by."""

    OPERATION = "operation"
    GATEWAY = "gateway"
    CHANGE = "change"
    DEVICE = "device"
    SECRET = "secret"  # noqa: S105 - a kind of entry
    PEOPLE = "people"


KIND_LABELS = {
    EntryKind.OPERATION: "Launches, stops and other operations",
    EntryKind.GATEWAY: "Crashes, exits and health of gateways",
    EntryKind.CHANGE: "Configuration",
    EntryKind.DEVICE: "Devices",
    EntryKind.SECRET: "Revealed secrets",
    EntryKind.PEOPLE: "People and tokens",
}


@dataclass(frozen=True, slots=True)
class EntryWords:
    """An entry's kind, tone and sentence. `tone` is `good`, `bad`, `warn` or `calm`."""

    kind: EntryKind
    tone: str
    parts: tuple[SentencePart, ...]


def words_of(entry: HistoryEntry) -> EntryWords:
    """Return the words for an entry that does not belong to an operation."""
    kind, tone, parts_of = WORDS.get(str(entry.get("what")), (EntryKind.CHANGE, "calm", _unknown))
    if incident := incidents.incident_in(entry):
        tone = _incident_tone(incident, tone)
    return EntryWords(kind, tone, parts_of(entry))


def operation_words(entry: HistoryEntry, kind: str, state: str) -> str:
    """Return `Update to … failed` for the entry that began an operation."""
    phrase = OperationState(state).phrase if state in list(OperationState) else state
    return f"{_operation_title(entry, kind)} {phrase}"


def _operation_title(entry: HistoryEntry, kind: str) -> str:
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


def _incident_tone(incident: incidents.Incident, tone: str) -> str:
    if incident.what == incidents.EXITED:
        asked = incident.who == incidents.BY_HAND or incident.detail("code") == 0
        return "warn" if asked else "bad"
    return "calm" if incident.detail("well") else tone


def _exited(entry: HistoryEntry) -> tuple[SentencePart, ...]:
    incident = incidents.incident_in(entry)
    if incident is None:
        return _unknown(entry)
    if incident.who == incidents.BY_HAND:
        return (_ended_by_hand(incident),)
    then = "; Docker started it again" if incident.detail("restarted") else ""
    if incident.detail("how") == "removed":
        then = "; then its container was removed"
    if incident.count > 1:
        often = f"{_exit_words(incident)}, {incident.count} times, the last "
        return often, TimeAgo(incident.last_at), then
    return (f"{_exit_words(incident)}{then}",)


def _exit_words(incident: incidents.Incident) -> str:
    code = incident.detail("code")
    if incident.detail("out_of_memory"):
        return "Killed: out of memory"
    if code is None:
        return "Exited"
    return f"Exited with code {code}" if code == 0 else f"Crashed with exit code {code}"


def _ended_by_hand(incident: incidents.Incident) -> str:
    code = incident.detail("code")
    ending = f", exit code {code}" if code is not None else ""
    again = "; then started again" if incident.detail("restarted") else ""
    match incident.detail("how"):
        case "stopped":
            return f"Stopped{ending}{again}"
        case "restarted":
            return f"Restarted{ending}"
        case "removed":
            return f"Stopped and its container removed{ending}"
    signal = incident.detail("signal")
    by = f"signal {signal}" if signal else "an unknown signal"
    return f"Ended by {by}{ending}{again}"


def _unhealthy(entry: HistoryEntry) -> tuple[SentencePart, ...]:
    count = entry.get("count", 1)
    often = f", {count} times" if count != 1 else ""
    return (
        f"Its health check failed{often}{'; healthy again since' if entry.get('well') else ''}",
    )


_PartsOf = Callable[[HistoryEntry], tuple[SentencePart, ...]]


def _text(template: str, **missing: str) -> _PartsOf:
    """Return a function that fills a template from an entry; `missing` are its defaults."""

    def parts(entry: HistoryEntry) -> tuple[SentencePart, ...]:
        return (template.format_map({**missing, **{k: v for k, v in entry.items() if v}}),)

    return parts


def _device(action: str) -> _PartsOf:
    def parts(entry: HistoryEntry) -> tuple[SentencePart, ...]:
        address = f", at {entry['address']}" if entry.get("address") else ""
        return (f"{entry.get('label') or 'A device'} {action}{address}",)

    return parts


def _revealed(entry: HistoryEntry) -> tuple[SentencePart, ...]:
    name = str(entry.get("field") or "")
    return (f"{BY_NAME[name].label if name in BY_NAME else name or 'A secret'} revealed",)


def _asked(entry: HistoryEntry) -> tuple[SentencePart, ...]:
    model = f" about {entry['model']}" if entry.get("model") else ""
    return (f"Asked the provider{model}: {str(entry.get('code') or '?').replace('_', ' ')}",)


def _edited(file: str) -> _PartsOf:
    def parts(entry: HistoryEntry) -> tuple[SentencePart, ...]:
        given = entry.get("keys")
        keys = ", ".join(map(str, given if isinstance(given, list) else ()))
        return (f"{file} was edited{f': {keys}' if keys else ''}",)

    return parts


def _restored(entry: HistoryEntry) -> tuple[SentencePart, ...]:
    port, before = entry.get("port"), entry.get("port_before")
    moved = f"; its port is now {port}, because {before} was taken" if port else ""
    return (f"Restored from the archive{moved}",)


def _tested(entry: HistoryEntry) -> tuple[SentencePart, ...]:
    arrived = "arrived" if entry.get("outcome") == "succeeded" else "did not arrive"
    return (f"The webhook was tested: the message {arrived}",)


def _purge(template: str) -> _PartsOf:
    def parts(entry: HistoryEntry) -> tuple[SentencePart, ...]:
        name = entry.get("name") or entry.get("deployment") or "a deployment"
        return (template.format(name),)

    return parts


def _orphan(template: str) -> _PartsOf:
    return lambda entry: (template.format(entry.get("parts") or entry.get("project") or "?"),)


def _unknown(entry: HistoryEntry) -> tuple[SentencePart, ...]:
    return (str(entry.get("what")).replace("_", " ").capitalize(),)


WORDS: dict[str, tuple[EntryKind, str, _PartsOf]] = {
    incidents.EXITED: (EntryKind.GATEWAY, "bad", _exited),
    incidents.STARTED: (EntryKind.GATEWAY, "good", _text("Started")),
    incidents.REMOVED: (EntryKind.GATEWAY, "warn", _text("Its container was removed")),
    incidents.PAUSED: (EntryKind.GATEWAY, "warn", _text("Paused")),
    incidents.UNPAUSED: (EntryKind.GATEWAY, "good", _text("Unpaused")),
    incidents.UNHEALTHY: (EntryKind.GATEWAY, "warn", _unhealthy),
    "configure": (EntryKind.CHANGE, "calm", _text("Configured")),
    ENV_EDITED: (EntryKind.CHANGE, "calm", _edited(".env")),
    COMPOSE_EDITED: (EntryKind.CHANGE, "calm", _edited("docker-compose.yml")),
    "restore": (EntryKind.CHANGE, "calm", _restored),
    "undo_update": (
        EntryKind.CHANGE,
        "warn",
        _text("Image and state put back after the update to {image}", image="?"),
    ),
    "purge": (EntryKind.CHANGE, "warn", _purge("Purge of {}")),
    "purge succeeded": (EntryKind.CHANGE, "calm", _purge("Purged {}")),
    "purge failed": (EntryKind.CHANGE, "bad", _purge("The purge of {} failed")),
    "remove stranded": (EntryKind.CHANGE, "warn", _orphan("Removal of orphans: {}")),
    "remove stranded succeeded": (EntryKind.CHANGE, "calm", _orphan("Removed orphans: {}")),
    "remove stranded failed": (
        EntryKind.CHANGE,
        "bad",
        _orphan("The removal of orphans failed: {}"),
    ),
    "reveal": (EntryKind.SECRET, "calm", _revealed),
    "copy_secrets": (
        EntryKind.SECRET,
        "calm",
        _text("Secrets copied to {to}", to="another deployment"),
    ),
    "ask provider": (EntryKind.OPERATION, "calm", _asked),
    "approve_device": (EntryKind.DEVICE, "good", _device("was approved")),
    "approve_device_failed": (EntryKind.DEVICE, "bad", _device("could not be approved")),
    "reject_device": (EntryKind.DEVICE, "calm", _device("was rejected")),
    "reject_device_failed": (EntryKind.DEVICE, "bad", _device("could not be rejected")),
    "remove_device": (EntryKind.DEVICE, "calm", _device("was removed")),
    "remove_device_failed": (EntryKind.DEVICE, "bad", _device("could not be removed")),
    "test_webhook": (EntryKind.CHANGE, "calm", _tested),
    "add_user": (EntryKind.PEOPLE, "calm", _text("User {user} added", user="?")),
    "set_password": (EntryKind.PEOPLE, "calm", _text("New password for {user}", user="?")),
    "remove_user": (EntryKind.PEOPLE, "calm", _text("User {user} removed", user="?")),
    "make_token": (EntryKind.PEOPLE, "calm", _text("Token {token} made", token="?")),  # noqa: S106
    "revoke_token": (EntryKind.PEOPLE, "calm", _text("Token {token} revoked", token="?")),  # noqa: S106
}
