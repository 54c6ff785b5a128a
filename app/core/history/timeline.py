"""The timeline: a deployment's history for people, with one item for each thing that happened."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.core.history import incidents
from app.core.history.timeline_words import EntryKind, HistoryEntry, operation_words, words_of
from app.core.time_words import Elapsed, SentencePart, TimeAgo, TimeOfDay


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened, such as an operation with its outcome.

    `parts` make up a sentence. `tone` is `good`, `bad`, `warn`, `busy` or `calm`.
    """

    deployment_id: str
    number: int
    at: datetime
    what: str
    kind: EntryKind
    tone: str
    parts: tuple[SentencePart, ...]
    who: str
    source: str
    outcome: str = ""
    detail: str = ""
    operation: int | None = None
    ended_at: datetime | None = None
    last_at: datetime | None = None
    container: str = ""
    more: HistoryEntry = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.deployment_id or '-'}/{self.number}"

    @property
    def words(self) -> str:
        """The sentence, with absolute times."""
        return "".join(each if isinstance(each, str) else _exact_time(each) for each in self.parts)

    @property
    def count(self) -> int:
        """How many times this has happened."""
        count = self.more.get("count", 1)
        return count if isinstance(count, int) else 1

    @property
    def lasted(self) -> timedelta | None:
        return self.ended_at - self.at if self.ended_at else None

    @property
    def by(self) -> str:
        """Who did this, in words; empty if nobody did."""
        return _BY.get(self.who, f"by {self.who}" if self.who else "")


def _exact_time(part: TimeAgo | Elapsed | TimeOfDay) -> str:
    return f"at {part.moment.isoformat(timespec='seconds')}"


_BY = {
    incidents.BY_HAND: "outside Deploy Agent",
    incidents.BY_ITSELF: "",
    incidents.UNOBSERVED: "while Deploy Agent was not watching",
}


def timeline_of(
    deployment_id: str, entries: Iterable[HistoryEntry], running: int | None = None
) -> Iterator[TimelineEntry]:
    """Turn a history, newest first, into a timeline.

    An operation and its outcome become one item. `running` is the number of the running operation;
    any other operation without an outcome was interrupted.
    """
    outcomes: dict[object, HistoryEntry] = {}
    failed: set[tuple[str, str, str]] = set()
    for entry in entries:
        what, number = entry.get("what"), entry.get("operation")
        if not isinstance(what, str) or incidents.entry_time(entry) is None:
            continue
        if isinstance(number, int):
            kind, _, state = what.partition(" ")
            if state:
                outcomes[number] = {**entry, "state": state}
            else:
                yield _operation(deployment_id, entry, kind, outcomes.pop(number, None), running)
        elif not _is_repeated(entry, what, failed):
            yield _plain(deployment_id, entry)


def _is_repeated(entry: HistoryEntry, what: str, failed: set[tuple[str, str, str]]) -> bool:
    """Return whether a newer entry says that this entry's action on a device failed.

    An action on a device is recorded before it is done, and once more if it fails.
    """
    action = what.removesuffix("_failed"), str(entry.get("request")), str(entry.get("device"))
    if action in failed:
        failed.discard(action)
        return True
    if what.endswith("_failed"):
        failed.add(action)
    return False


def _operation(
    deployment_id: str,
    entry: HistoryEntry,
    kind: str,
    outcome: HistoryEntry | None,
    running: int | None,
) -> TimelineEntry:
    is_running = outcome is None and running == entry["operation"]
    state = str(outcome["state"]) if outcome else "running" if is_running else "interrupted"
    return TimelineEntry(
        **_common(deployment_id, entry),
        kind=EntryKind.OPERATION,
        tone=_TONES.get(state, "calm"),
        parts=(operation_words(entry, kind, state),),
        outcome=state,
        detail=str((outcome or {}).get("reason") or ""),
        operation=entry["operation"],
        ended_at=incidents.entry_time(outcome) if outcome else None,
    )


_TONES = {"succeeded": "good", "failed": "bad", "interrupted": "bad", "running": "busy"}


def _plain(deployment_id: str, entry: HistoryEntry) -> TimelineEntry:
    words, incident = words_of(entry), incidents.incident_in(entry)
    return TimelineEntry(
        **_common(deployment_id, entry),
        kind=words.kind,
        tone=words.tone,
        parts=words.parts,
        outcome=str(entry.get("outcome") or ""),
        detail=str(entry.get("reason") or ""),
        container=incident.container if incident else "",
        last_at=incident.last_at if incident else None,
    )


def _common(deployment_id: str, entry: HistoryEntry) -> dict[str, Any]:
    number = entry.get("n")
    return {
        "deployment_id": deployment_id,
        "number": number if isinstance(number, int) else 0,
        "at": incidents.entry_time(entry),
        "what": entry["what"],
        "who": str(entry.get("who") or ""),
        "source": str(entry.get("from") or ""),
        "more": {key: value for key, value in entry.items() if key not in _OWN_ATTRIBUTES},
    }


_OWN_ATTRIBUTES = ("n", "at", "what", "who", "from", "outcome", "operation", "container", "last_at")
