"""Logs: the log of a gateway's container, or an ended container's last words."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain

from docker.errors import NotFound

from app.core.errors import engine_error
from app.core.logs.lines import (
    EVERYTHING,
    LogFilter,
    LogLine,
    LogPosition,
    Numbering,
    RawLine,
    Stream,
    read_line,
)
from app.core.snapshot import Container
from app.core.text import lines_of
from app.store.last_words import LastWords, last_words_files, read_last_words
from app.usecases.context import AppContext
from app.usecases.logs.masking import masker_for
from app.usecases.status.overview import DeploymentView

DEFAULT_TAIL = 200
LARGEST_TAIL = 10_000
# A filter reads at most this many of the last lines.
_MOST_FILTERED = 20_000
# The position after all lines of a removed container: any next line is in another container's log.
_GONE = LogPosition("0" * 12)


@dataclass(frozen=True, slots=True)
class LogRequest:
    """The requested lines: at most the last `tail` lines, or all lines if `tail` is None."""

    tail: int | None = DEFAULT_TAIL
    since: datetime | None = None
    wanted: LogFilter = EVERYTHING


@dataclass(frozen=True, slots=True)
class Logs:
    """Lines of a log. `last_words` is set if the lines are from last words.

    `position` is the end of the lines read, including those that the filter dropped.
    """

    lines: tuple[LogLine, ...] = ()
    last_words: LastWords | None = None
    position: str = ""

    @property
    def text(self) -> str:
        return "".join(map(as_text, self.lines))


def as_text(line: LogLine) -> str:
    return f"{line.time} {line.text}\n"


def read_logs(view: DeploymentView, asked: LogRequest, *, context: AppContext) -> Logs:
    """Return a deployment's last log lines, from its container or from its last words.

    Raises EngineError if the engine does not answer: the last words may be outdated in that case.
    """
    gateway = gateway_with_log(view)
    if gateway is None:
        return read_ended_log(view, asked, context=context)
    numbering, key = Numbering(), None
    mask = masker_for(view.deployment, gateway, context)
    lines: deque[LogLine] = deque(maxlen=asked.tail)
    most = asked.tail if asked.wanted == EVERYTHING else _MOST_FILTERED
    for raw in _raw_lines(gateway, most, asked.since, context):
        key = numbering.key(raw)
        line = read_line(raw, mask)
        if asked.wanted.wants(line):
            lines.append(line)
    return Logs(tuple(lines), position=str(LogPosition(gateway.id, key)))


def read_ended_log(view: DeploymentView, asked: LogRequest, *, context: AppContext) -> Logs:
    """Return the log in the last words of the previous container. Raises EngineError."""
    words = previous_last_words(view, context=context)
    if words is None or (asked.since and words.moment < asked.since):
        return Logs()
    mask = masker_for(view.deployment, view.gateway, context)
    lines = (read_line(raw, mask) for raw in map(_parse_kept_line, lines_of(words.log)))
    return Logs(
        tuple(deque(filter(asked.wanted.wants, lines), maxlen=asked.tail)), words, str(_GONE)
    )


def previous_last_words(view: DeploymentView, *, context: AppContext) -> LastWords | None:
    """Return the latest last words of a container other than the current one."""
    now = view.gateway.id if view.gateway else ""
    kept = map(read_last_words, last_words_files(context.store.folder(view.deployment.id)))
    return next((words for words in kept if words and words.container != now), None)


def stream_logs(
    view: DeploymentView, asked: LogRequest, *, context: AppContext
) -> Iterator[LogLine]:
    """Yield all lines while reading them. Raises EngineError, possibly after some lines."""
    gateway = gateway_with_log(view)
    if gateway is None:
        return iter(read_ended_log(view, asked, context=context).lines)
    mask = masker_for(view.deployment, gateway, context)
    lines = _raw_lines(gateway, asked.tail, asked.since, context)
    return filter(asked.wanted.wants, map(partial(read_line, mask=mask), lines))


def gateway_with_log(view: DeploymentView) -> Container | None:
    """Return the gateway's container if it was ever started, else None. Raises EngineError."""
    if view.problem:
        raise engine_error(view.problem.code, view.problem.reason)
    return view.gateway if view.gateway and view.gateway.state != "created" else None


def _raw_lines(
    gateway: Container, tail: int | None, since: datetime | None, context: AppContext
) -> Iterable[RawLine]:
    """Return the engine's log lines; none if the container has been removed."""
    # The engine accepts no time before 1970, so use 1970 at the earliest.
    seconds = f"{max(since.timestamp(), 0):.6f}" if since else None
    try:
        stream = context.log_source.open(gateway.id, tail=tail, since=seconds)
    except NotFound:
        return ()
    return chain.from_iterable(stream.batches())


def _parse_kept_line(line: str) -> RawLine:
    time, _, text = line.partition(" ")
    return RawLine(time, Stream.OUT, text)
