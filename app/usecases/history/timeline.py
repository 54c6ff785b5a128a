"""Timeline: moments by day, with the last log lines of a gateway that ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from itertools import groupby

from app.core.history.incidents import EXITED
from app.core.history.timeline import TimelineEntry
from app.store.operation_log import log_path
from app.usecases.context import AppContext
from app.usecases.history.history import latest_moments
from app.usecases.history.last_words import excerpt_of

SHOWN = 20


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """A moment, with the last log lines of a gateway that ended then.

    `has_output`: the moment is an operation whose output is still kept.
    """

    moment: TimelineEntry
    lines: tuple[str, ...] = ()
    has_output: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day (UTC), newest first."""

    date: date
    entries: tuple[ShownEntry, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A deployment's newest days; `more`: there are older moments."""

    days: tuple[Day, ...]
    more: bool


def timeline_of(deployment_id: str, *, context: AppContext) -> Timeline:
    """Return the newest moments of a deployment. Raises NotFound."""
    found = latest_moments(deployment_id, SHOWN + 1, context=context)
    return Timeline(days_of(found[:SHOWN], context=context), len(found) > SHOWN)


def days_of(moments: Iterable[TimelineEntry], *, context: AppContext) -> tuple[Day, ...]:
    """Group moments, newest first, by day."""
    days = groupby(moments, lambda each: each.at.astimezone(UTC).date())
    return tuple(Day(day, tuple(_entry(each, context) for each in found)) for day, found in days)


def names_of(moments: Iterable[TimelineEntry], *, context: AppContext) -> Mapping[str, str]:
    """Return the names of these moments' deployments, by id."""
    wanted = {each.deployment_id for each in moments}
    return {each.id: each.name for each in context.store.scan() if each.id in wanted}


def _entry(moment: TimelineEntry, context: AppContext) -> ShownEntry:
    folder = context.store.folder(moment.deployment_id)
    if moment.operation:
        return ShownEntry(moment, has_output=log_path(folder, moment.operation).exists())
    if moment.what != EXITED or not moment.container:
        return ShownEntry(moment)
    return ShownEntry(moment, excerpt_of(folder, moment.container, moment.last_at or moment.at))
