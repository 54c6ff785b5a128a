"""Times in words, and sentences with times in them.

A sentence is a sequence of parts, so that a page can keep its times up to date.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import humanize


@dataclass(frozen=True, slots=True)
class TimeAgo:
    """A time, shown as how long ago it was."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class Elapsed:
    """A time, shown as how long it has been since then."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A time, shown as the time of day."""

    moment: datetime


SentencePart = str | TimeAgo | Elapsed | TimeOfDay


def spell(parts: Iterable[SentencePart], now: datetime) -> str:
    """Return a sentence as text, with its times as of `now`."""
    return "".join(each if isinstance(each, str) else in_words(each, now) for each in parts)


def in_words(part: TimeAgo | Elapsed | TimeOfDay, now: datetime) -> str:
    match part:
        case TimeAgo(moment):
            return ago(moment, now)
        case Elapsed(moment):
            return duration(now - moment)
        case TimeOfDay(moment):
            return clock(moment)


def ago(moment: datetime, now: datetime) -> str:
    """Return `3 minutes ago`. A time in the future, after a clock change, is `just now`."""
    if now - moment < timedelta(seconds=1):
        return "just now"
    return f"{humanize.naturaldelta(now - moment)} ago"


def duration(span: timedelta) -> str:
    """Return `4 seconds`; never negative."""
    return humanize.naturaldelta(max(span, timedelta(0)))


def took(span: timedelta) -> str:
    """Return `0.4 s`, `12 s` or `2 min 5 s`, short enough for a table."""
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 0.1:
        return "< 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def clock(moment: datetime) -> str:
    """Return the time of day in UTC, as in `12:03:40 UTC`."""
    return moment.astimezone(UTC).strftime("%H:%M:%S UTC")
