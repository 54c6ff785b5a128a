"""Lines of a gateway's log: time, stream, level, and text that is safe to show.

By default OpenClaw's console names no level. It writes `TIME [subsystem] text`, warnings and
errors to stderr, the rest to stdout. (With `consoleStyle: json` it does name the level.)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from app.core.logs.terminal_colors import ESCAPE, ColoredText, colored, without_prefix
from app.core.secrets import Masker
from app.core.text import clean, shorten


class Stream(StrEnum):
    OUT = "stdout"
    ERR = "stderr"


class Level(StrEnum):
    """The level of a line, most severe first. `NONE`: the line names no level."""

    ERROR = "error"
    WARN = "warn"
    INFO = "info"
    DEBUG = "debug"
    NONE = ""


class LineKey(NamedTuple):
    """Identifies a line of a container. `nth` counts lines with the same time."""

    time: str
    stream: Stream
    nth: int


class RawLine(NamedTuple):
    """A line from the engine. `time` is RFC 3339 with nanoseconds, in UTC."""

    time: str
    stream: Stream
    text: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that is safe to show: without secrets and escape sequences, and not too long.

    `pieces` are the text with colors, without the line's own time if it repeats the engine's time.
    """

    time: str
    stream: Stream
    level: Level
    text: str
    pieces: tuple[ColoredText, ...]


# A line with more color changes is shown without colors, because each color costs time and an
# element of the page.
_MOST_COLORS = 500


def read_line(raw: RawLine, mask: Masker) -> LogLine:
    text = clean(raw.text)
    masked = shorten(mask(text))
    level = _level_of(raw.stream, masked)
    # Text with a secret loses its colors: a color change may split the secret.
    is_plain = not 0 < raw.text.count(ESCAPE) <= _MOST_COLORS or masked != text
    pieces = [ColoredText(masked)] if is_plain else colored(raw.text)
    own_time = _own_time(raw.time, masked)
    return LogLine(raw.time, raw.stream, level, masked, tuple(without_prefix(pieces, own_time)))


# A time at a line's start, which the page need not show next to the engine's time.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:\d\d) ")
_SAME = timedelta(seconds=2)


def _own_time(time: str, text: str) -> int:
    """Return the length of the time at a line's start; 0 if none, or if it is not the engine's."""
    match = _TIME.match(text)
    if not match:
        return 0
    own, ours = moment_of(match[0].rstrip()), moment_of(time)
    return match.end() if own and ours and abs(own - ours) < _SAME else 0


def moment_of(time: str) -> datetime | None:
    """Parse an RFC 3339 time to the microsecond, or return None."""
    try:
        return datetime.fromisoformat(time).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def seconds_before(time: str, seconds: int) -> str:
    """Return an RFC 3339 time minus some seconds, as seconds since 1970 for the engine.

    Raises ValueError.
    """
    moment = datetime.strptime(time[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    # The engine rejects times before 1970. Always ten digits, so that times sort as text.
    whole = max(int(moment.timestamp()) - seconds, 0)
    return f"{whole:010}.{time[20:].rstrip('Z'):0<9}"


_NAMED: Mapping[str, Level] = {
    **dict.fromkeys(("emerg", "alert", "crit", "critical", "panic", "fatal"), Level.ERROR),
    **dict.fromkeys(("err", "error", "severe", "60", "50"), Level.ERROR),
    **dict.fromkeys(("warn", "warning", "40"), Level.WARN),
    **dict.fromkeys(("info", "notice", "log", "30"), Level.INFO),
    **dict.fromkeys(("debug", "verbose", "trace", "silly", "20", "10"), Level.DEBUG),
}
_WORDS = "|".join(sorted((word for word in _NAMED if word.isalpha()), key=len, reverse=True))
# `level=warn`, `"level":"warn"`, `"level":40`.
_AS_FIELD = re.compile(r"\b(?:level|lvl|severity)\"?\s*[=:]\s*\"?(\w+)", re.IGNORECASE)
# `[warn]` and `<error>` anywhere, `error:` and `npm ERR!` after a space or prefix, `WARN` alone.
_AS_WORD = re.compile(
    rf"[\[<(](?i:({_WORDS}))[\]>)]"
    rf"|(?:^|[\]\s])(?i:({_WORDS}))[:!]"
    rf"|\b({_WORDS.upper()})\b"
)
_TRACE = re.compile(r"\s+at \S|Traceback |Caused by: |\w*(?:Error|Exception): ")
_END = re.compile(r"Gateway failed to start|panic: |Fatal")
_FAILING = re.compile(
    r"\b(?:(?i:fail(?:ed|ure|s)?|errors?|refus(?:ed|ing)|denied|invalid)|E[A-Z]{4,})\b"
)
_OPENCLAW = re.compile(r"(?:\d{4}-\d\d-\d\dT\S+ )?\[[\w/.:-]+\] ")
_HEAD = 200


def _level_of(stream: Stream, text: str) -> Level:
    head = text[:_HEAD]
    if (match := _AS_FIELD.search(head)) and (level := _NAMED.get(match[1].lower())):
        return level
    if match := _AS_WORD.search(head):
        return _NAMED[next(filter(None, match.groups())).lower()]
    if _END.match(head):
        return Level.ERROR
    if stream is Stream.ERR:
        failing = _TRACE.match(head) or _FAILING.search(head)
        return Level.ERROR if failing else Level.WARN
    return Level.INFO if _OPENCLAW.match(head) else Level.NONE


@dataclass(frozen=True, slots=True)
class LogFilter:
    """A filter for lines: by lowest level, stream and text.

    A line without a level counts as information.
    """

    level: Level = Level.NONE
    stream: Stream | None = None
    text: str = ""

    def wants(self, line: LogLine) -> bool:
        if self.stream and line.stream is not self.stream:
            return False
        if self.level and _SEVERITY[line.level] > _SEVERITY[self.level]:
            return False
        return self.text.casefold() in line.text.casefold()


EVERYTHING = LogFilter()
_SEVERITY = {
    Level.ERROR: 0,
    Level.WARN: 1,
    Level.INFO: 2,
    Level.NONE: 2,
    Level.DEBUG: 3,
}


@dataclass(frozen=True, slots=True)
class LogNotice:
    """A remark of ours between the lines of a log."""

    words: str


@dataclass(frozen=True, slots=True)
class LogPosition:
    """How far a reader has read: up to a line of a container, or no line of the container yet.

    A position travels to the browser and back as text. A malformed text is an empty position.
    """

    container: str = ""
    key: LineKey | None = None

    def __str__(self) -> str:
        if self.key is None:
            return self.container[:_ID_LENGTH]
        time, stream, nth = self.key
        return f"{self.container[:_ID_LENGTH]}_{time}_{stream}{nth}"

    @classmethod
    def parse(cls, text: str) -> "LogPosition":
        match = _POSITION.fullmatch(text)
        if not match:
            return cls()
        container, time, stream, nth = match.groups()
        return cls(container, LineKey(time, Stream(stream), int(nth)) if time else None)

    def is_in(self, container_id: str) -> bool:
        return bool(self.container) and container_id.startswith(self.container)


_ID_LENGTH = 12
_POSITION = re.compile(
    r"([0-9a-f]{12})(?:_(\d{4}-\d\d-\d\dT[\d:.]{8,20}Z)_(stdout|stderr)(\d{1,9}))?", re.ASCII
)


class Numbering:
    """Gives each line of a log its key, in the log's order.

    Lines of one stream are in the order of their times. Lines of different streams may not be.
    """

    def __init__(self) -> None:
        self._latest: dict[Stream, LineKey] = {}

    def key(self, line: RawLine) -> LineKey:
        before = self._latest.get(line.stream)
        nth = before.nth + 1 if before and before.time == line.time else 1
        key = self._latest[line.stream] = LineKey(line.time, line.stream, nth)
        return key
