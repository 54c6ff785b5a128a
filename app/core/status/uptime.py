"""The age of a container in the engine's list, in round words: `Up 3 hours`."""

import re
from datetime import timedelta

_UP = re.compile(r"Up (?:(\d+)|About an?|Less than a) (second|minute|hour|day|week|month|year)s?\b")
_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
# The engine and this server read the clock at different moments.
_SLACK = timedelta(seconds=3)


def fits(span: timedelta, status_text: str) -> bool:
    """Return whether a duration fits Docker's rounded text, which is off by at most one unit."""
    match = _UP.match(status_text)
    if match is None:
        return False
    number, unit = int(match[1] or 1), _UNITS[match[2]]
    return (number - 1) * unit - _SLACK <= span <= (number + 1) * unit + _SLACK
