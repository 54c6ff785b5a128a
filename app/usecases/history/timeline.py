"""Timeline: entries by day, with the last log lines of gateways that ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from itertools import groupby

from app.core.history.incidents import EXITED
from app.core.history.timeline import TimelineEntry
from app.store.operation_log import log_path
from app.usecases.context import AppContext
from app.usecases.history.history import latest_entries
from app.usecases.history.last_words import excerpt_of

SHOWN = 20


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry; for the end of a gateway, with its last log lines.

    `has_output`: the entry is an operation whose output is still kept.
    """

    entry: TimelineEntry
    lines: tuple[str, ...] = ()
    has_output: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """The entries of one day (UTC), newest first."""

    date: date
    entries: tuple[ShownEntry, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The newest days of a deployment. `more`: older entries exist."""

    days: tuple[Day, ...]
    more: bool


def timeline_of(deployment_id: str, *, context: AppContext) -> Timeline:
    """Return the newest entries of a deployment. Raises NotFound."""
    found = latest_entries(deployment_id, SHOWN + 1, context=context)
    return Timeline(days_of(found[:SHOWN], context=context), len(found) > SHOWN)


def days_of(entries: Iterable[TimelineEntry], *, context: AppContext) -> tuple[Day, ...]:
    """Group entries, newest first, by day."""
    days = groupby(entries, lambda each: each.at.astimezone(UTC).date())
    return tuple(Day(day, tuple(_entry(each, context) for each in found)) for day, found in days)


def names_of(entries: Iterable[TimelineEntry], *, context: AppContext) -> Mapping[str, str]:
    """Return the names of the deployments in these entries, by id."""
    wanted = {each.deployment_id for each in entries}
    return {each.id: each.name for each in context.store.scan() if each.id in wanted}


def _entry(entry: TimelineEntry, context: AppContext) -> ShownEntry:
    folder = context.store.folder(entry.deployment_id)
    if entry.operation:
        return ShownEntry(entry, has_output=log_path(folder, entry.operation).exists())
    if entry.what != EXITED or not entry.container:
        return ShownEntry(entry)
    return ShownEntry(entry, excerpt_of(folder, entry.container, entry.last_at or entry.at))
