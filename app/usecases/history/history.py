"""History: entries of one deployment or of all deployments, filtered, in pages."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import dropwhile, islice
from pathlib import Path

from app.core.errors import InputRejected
from app.core.history.timeline import TimelineEntry, timeline_of
from app.core.history.timeline_words import EntryKind
from app.store import history
from app.usecases.context import AppContext

PAGE = 100
LARGEST_PAGE = 1000
# Entries that one request reads at most. The next page continues after them.
_MOST_READ = 50_000


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """A filter of entries. `deployment` is an id; an empty field matches all entries."""

    deployment: str = ""
    kind: str = ""
    who: str = ""
    day: date | None = None

    def matches(self, entry: TimelineEntry) -> bool:
        return (
            (not self.kind or entry.kind == self.kind)
            and (not self.who or entry.who == self.who)
            and (self.day is None or entry.at.astimezone(UTC).date() == self.day)
        )


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Entries, newest first. `older` is the cursor of the next page; empty on the last page."""

    entries: tuple[TimelineEntry, ...]
    older: str = ""


def set_source_address(address: str) -> None:
    """Set the source address of entries recorded in this context."""
    history.source_address.set(address)


def read_filter(given: dict[str, str], deployment_id: str = "") -> HistoryFilter:
    """Return the filter in a query's arguments. Raises InputRejected."""
    day, kind = given.get("day", ""), given.get("kind", "")
    try:
        chosen = date.fromisoformat(day) if day else None
    except ValueError:
        raise InputRejected({"day": "must be a day such as 2026-11-24"}) from None
    if kind and kind not in list(EntryKind):
        raise InputRejected({"kind": f"must be one of {', '.join(EntryKind)}"})
    return HistoryFilter(
        deployment_id or given.get("deployment", ""), kind, given.get("who", ""), chosen
    )


def history_of(
    wanted: HistoryFilter, *, context: AppContext, before: str = "", most: int = PAGE
) -> HistoryPage:
    """Return the newest entries that are older than the cursor `before`.

    Raises NotFound, InputRejected.
    """
    found: list[TimelineEntry] = []
    cursor = _parse_cursor(before)
    last = before
    everything = _all_entries(wanted.deployment, context)
    older = dropwhile(lambda pair: cursor is not None and pair[0] >= cursor, everything)
    for read, (key, entry) in enumerate(older):
        if wanted.day and key[0] < wanted.day.isoformat():
            break
        if len(found) == most or read > _MOST_READ:
            return HistoryPage(tuple(found), last)
        last = "~".join(key)
        if wanted.matches(entry):
            found.append(entry)
    return HistoryPage(tuple(found))


def people_in(page: HistoryPage) -> list[str]:
    return sorted({entry.who for entry in page.entries if entry.who})


def latest_entries(
    deployment_id: str, most: int, *, context: AppContext
) -> tuple[TimelineEntry, ...]:
    """Return a deployment's newest entries, cached until an entry is added."""
    folder = context.store.folder(deployment_id)
    running = context.store.load(deployment_id).running_operation
    number = running.number if running else None
    return _latest_entries(folder, history.signature_of(folder), number, most)


@lru_cache(512)
def _latest_entries(
    folder: Path, _signature: history.Signature | None, running: int | None, most: int
) -> tuple[TimelineEntry, ...]:
    return tuple(islice(timeline_of(folder.name, history.newest_first(folder), running), most))


# The sort key for entries of all deployments: time, deployment id, number.
_Cursor = tuple[str, str, str]


def _all_entries(
    deployment_id: str, context: AppContext
) -> Iterator[tuple[_Cursor, TimelineEntry]]:
    """Yield the entries of one deployment, or of all deployments and the root folder."""
    if deployment_id:
        return _entries_of(deployment_id, context)
    root = timeline_of("", history.newest_first(context.settings.deployments_dir))
    each = [_entries_of(deployment.id, context) for deployment in context.store.scan()]
    return heapq.merge(_with_cursors(root), *each, key=lambda pair: pair[0], reverse=True)


def _entries_of(deployment_id: str, context: AppContext) -> Iterator[tuple[_Cursor, TimelineEntry]]:
    running = context.store.load(deployment_id).running_operation
    entries = history.newest_first(context.store.folder(deployment_id))
    return _with_cursors(timeline_of(deployment_id, entries, running.number if running else None))


def _with_cursors(found: Iterable[TimelineEntry]) -> Iterator[tuple[_Cursor, TimelineEntry]]:
    """Yield each entry with its cursor. Cursors stay in order even if the clock was set back."""
    latest = "~"
    for entry in found:
        at = entry.at.astimezone(UTC).isoformat(timespec="milliseconds")
        latest = min(latest, at)
        yield (latest, entry.deployment_id, f"{entry.number:09}"), entry


def _parse_cursor(text: str) -> _Cursor | None:
    if not text:
        return None
    parts = text.split("~")
    try:
        at, deployment_id, number = parts
        datetime.fromisoformat(at)
    except ValueError:
        raise InputRejected({"before": "must be a position from an earlier answer"}) from None
    return at, deployment_id, number
