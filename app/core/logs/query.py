"""Which part of a log to show, as in a page's address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.errors import InputRejected
from app.core.logs.lines import Level, LogFilter, Stream

MOST_SHOWN = 5_000
# The start of the log to show: a number of lines, or a time span.
LAST: Mapping[str, str] = {
    "200": "Last 200 lines",
    "1000": "Last 1,000 lines",
    "5000": "Last 5,000 lines",
    "5m": "Last 5 minutes",
    "1h": "Last hour",
    "24h": "Last 24 hours",
}
_SPANS = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1), "24h": timedelta(hours=24)}
LEVELS: Mapping[str, str] = {
    "": "All levels",
    "info": "Info and worse",
    "warn": "Warnings and errors",
    "error": "Errors",
}
STREAMS: Mapping[str, str] = {
    "": "Both streams",
    Stream.OUT: "Only stdout",
    Stream.ERR: "Only stderr",
}
_LONGEST_TEXT = 200
_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_since(text: str, now: datetime) -> datetime:
    """Return the time that a script or a terminal user gives. Raises InputRejected."""
    try:
        if span := _SPAN.fullmatch(text):
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        if text.isascii() and text.isdecimal():
            return datetime.fromtimestamp(int(text), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise InputRejected(
            {
                "since": "must be a time span such as 10m, seconds since 1970, or a time such as"
                " 2026-11-24T06:00:00Z"
            }
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LogSelection:
    """The part of a log to show. `last` is a key of LAST; `before` selects the previous run."""

    last: str = "200"
    level: str = ""
    stream: str = ""
    text: str = ""
    before: bool = False

    @classmethod
    def read(cls, arguments: Mapping[str, str]) -> "LogSelection":
        """Read the arguments of a page's address, ignoring invalid arguments."""
        last, level, stream = (arguments.get(name, "") for name in ("last", "level", "stream"))
        return cls(
            last if last in LAST else "200",
            level if level in LEVELS else "",
            stream if stream in STREAMS else "",
            arguments.get("text", "").strip()[:_LONGEST_TEXT],
            arguments.get("run") == "before",
        )

    @property
    def wanted(self) -> LogFilter:
        stream = Stream(self.stream) if self.stream else None
        return LogFilter(Level(self.level), stream, self.text)

    @property
    def tail(self) -> int:
        return MOST_SHOWN if self.last in _SPANS else int(self.last)

    def since(self, now: datetime) -> datetime | None:
        span = _SPANS.get(self.last)
        return now - span if span else None

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the arguments for an address, without defaults."""
        said = {
            "last": "" if self.last == "200" else self.last,
            "level": self.level,
            "stream": self.stream,
            "text": self.text,
            "run": "before" if self.before else "",
        }
        return {name: value for name, value in said.items() if value}
