"""Times in words."""

from datetime import UTC, datetime, timedelta

import humanize


def ago(moment: datetime, now: datetime) -> str:
    """Return `3 minutes ago`; a moment of the future, from a clock that moved, is `just now`."""
    if now - moment < timedelta(seconds=1):
        return "just now"
    return f"{humanize.naturaldelta(now - moment)} ago"


def duration(span: timedelta) -> str:
    """Return `4 seconds`; never negative."""
    return humanize.naturaldelta(max(span, timedelta(0)))


def clock(moment: datetime) -> str:
    """Return the time of day in UTC, as in `12:03:40 UTC`."""
    return moment.astimezone(UTC).strftime("%H:%M:%S UTC")
