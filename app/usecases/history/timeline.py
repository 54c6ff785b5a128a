"""Timeline: moments by day, with what a gateway said last before it ended."""

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
class Told:
    """A moment, with the last lines of a gateway that ended then.

    `has_output` says that it is an operation whose output is still kept.
    """

    moment: TimelineEntry
    lines: tuple[str, ...] = ()
    has_output: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day (UTC), newest first."""

    date: date
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A deployment's newest days; `more` says that there are older moments."""

    days: tuple[Day, ...]
    more: bool


def timeline_of(deployment_id: str, *, context: AppContext) -> Timeline:
    """Return the newest moments of a deployment. Raises NotFound."""
    found = latest_moments(deployment_id, SHOWN + 1, context=context)
    return Timeline(days_of(found[:SHOWN], context=context), len(found) > SHOWN)


def days_of(moments: Iterable[TimelineEntry], *, context: AppContext) -> tuple[Day, ...]:
    """Put moments that stand newest first into days."""
    days = groupby(moments, lambda each: each.at.astimezone(UTC).date())
    return tuple(Day(day, tuple(_told(each, context) for each in found)) for day, found in days)


def names_of(moments: Iterable[TimelineEntry], *, context: AppContext) -> Mapping[str, str]:
    """Return the names of the deployments that moments are of, by id."""
    wanted = {each.deployment_id for each in moments}
    return {each.id: each.name for each in context.store.scan() if each.id in wanted}


def _told(moment: TimelineEntry, context: AppContext) -> Told:
    folder = context.store.folder(moment.deployment_id)
    if moment.operation:
        return Told(moment, has_output=log_path(folder, moment.operation).exists())
    if moment.what != EXITED or not moment.container:
        return Told(moment)
    return Told(moment, excerpt_of(folder, moment.container, moment.last_at or moment.at))
