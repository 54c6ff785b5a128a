"""History: what happened to one deployment or to all, filtered, a page at a time."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import dropwhile, islice
from pathlib import Path
from typing import Any

from app.core.errors import InputRejected
from app.core.history.timeline import EntryKind, TimelineEntry, timeline_of
from app.store import history
from app.usecases.context import AppContext

PAGE = 100
LARGEST_PAGE = 1000
# One request looks at no more; what is left is told by the place to go on from.
_MOST_LOOKED_AT = 50_000


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked for. `deployment` is an id; empty means any."""

    deployment: str = ""
    kind: str = ""
    who: str = ""
    day: date | None = None

    def takes(self, moment: TimelineEntry) -> bool:
        return (
            (not self.kind or moment.kind == self.kind)
            and (not self.who or moment.who == self.who)
            and (self.day is None or moment.at.astimezone(UTC).date() == self.day)
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Moments, newest first. `older` is where the next page begins; empty at the end."""

    moments: tuple[TimelineEntry, ...]
    older: str = ""


def coming_from(address: str) -> None:
    """Let what is recorded from here on have this address."""
    history.coming_from.set(address)


def read_filter(given: dict[str, str], deployment_id: str = "") -> Filter:
    """Raises InputRejected."""
    day, kind = given.get("day", ""), given.get("kind", "")
    try:
        chosen = date.fromisoformat(day) if day else None
    except ValueError:
        raise InputRejected({"day": "must be a day such as 2026-11-24"}) from None
    if kind and kind not in list(EntryKind):
        raise InputRejected({"kind": f"must be one of {', '.join(EntryKind)}"})
    return Filter(deployment_id or given.get("deployment", ""), kind, given.get("who", ""), chosen)


def history_of(wanted: Filter, *, context: AppContext, before: str = "", most: int = PAGE) -> Page:
    """Return the newest moments that are older than `before`, the place where a page ended.

    Raises NotFound, InputRejected.
    """
    found: list[TimelineEntry] = []
    place = _place(before)
    last = before
    all_of_it = _all(wanted.deployment, context)
    older = dropwhile(lambda placed: place is not None and placed[0] >= place, all_of_it)
    for looked_at, (key, moment) in enumerate(older):
        if wanted.day and key[0] < wanted.day.isoformat():
            break
        if len(found) == most or looked_at > _MOST_LOOKED_AT:
            return Page(tuple(found), last)
        last = "~".join(key)
        if wanted.takes(moment):
            found.append(moment)
    return Page(tuple(found))


def people_in(page: Page) -> list[str]:
    return sorted({moment.who for moment in page.moments if moment.who})


def latest_moments(
    deployment_id: str, most: int, *, context: AppContext
) -> tuple[TimelineEntry, ...]:
    """Return a deployment's newest moments; read again only where something was recorded."""
    folder = context.store.folder(deployment_id)
    running = context.store.load(deployment_id).running_operation
    number = running.number if running else None
    return _latest(folder, history.sign_of(folder), number, most)


@lru_cache(512)
def _latest(
    folder: Path, _sign: history.Sign | None, running: int | None, most: int
) -> tuple[TimelineEntry, ...]:
    return tuple(islice(timeline_of(folder.name, history.newest_first(folder), running), most))


# Where a moment stands: by time, then by deployment and number.
_Place = tuple[str, str, str]


def _all(deployment_id: str, context: AppContext) -> Iterator[tuple[_Place, TimelineEntry]]:
    """Give the moments of one deployment, or of all and of the house itself, newest first."""
    if deployment_id:
        return _of(deployment_id, context)
    root = timeline_of("", history.newest_first(context.settings.deployments_dir))
    each = [_of(deployment.id, context) for deployment in context.store.scan()]
    return heapq.merge(_placed(root), *each, key=lambda placed: placed[0], reverse=True)


def _of(deployment_id: str, context: AppContext) -> Iterator[tuple[_Place, TimelineEntry]]:
    running = context.store.load(deployment_id).running_operation
    entries = history.newest_first(context.store.folder(deployment_id))
    return _placed(timeline_of(deployment_id, entries, running.number if running else None))


def _placed(found: Iterable[TimelineEntry]) -> Iterator[tuple[_Place, TimelineEntry]]:
    """Give each moment its place; none stands above a newer one, whatever the clock did."""
    latest = "~"
    for moment in found:
        at = moment.at.astimezone(UTC).isoformat(timespec="milliseconds")
        latest = min(latest, at)
        yield (latest, moment.deployment_id, f"{moment.number:09}"), moment


def _place(text: str) -> _Place | None:
    if not text:
        return None
    parts = text.split("~")
    try:
        at, deployment_id, number = parts
        datetime.fromisoformat(at)
    except ValueError:
        raise InputRejected({"before": "must be what the page before said"}) from None
    return at, deployment_id, number


def describe_moment(moment: TimelineEntry) -> dict[str, Any]:
    """Return a moment as the API shows it."""
    return {
        "id": moment.id,
        "deployment_id": moment.deployment_id or None,
        "at": moment.at.isoformat(),
        "kind": moment.kind,
        "what": moment.what,
        "words": moment.words,
        "who": moment.who,
        "from": moment.source or None,
        "outcome": moment.outcome or None,
        "reason": moment.detail or None,
        "operation": moment.operation,
        "ended_at": moment.ended_at.isoformat() if moment.ended_at else None,
        "details": dict(moment.more),
    }
