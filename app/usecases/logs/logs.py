"""Logs: what a gateway says, or said before it went."""

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
from app.store.last_words import LastWords, words_files, words_in
from app.usecases.context import AppContext
from app.usecases.logs.masking import masker_for
from app.usecases.status.overview import DeploymentView

DEFAULT_TAIL = 200
LARGEST_TAIL = 10_000
# Among so many of the last lines those are looked for that somebody wants.
_LOOKED_THROUGH = 20_000
# Behind all of a container that is gone: what comes next is another's.
_GONE = LogPosition("0" * 12)


@dataclass(frozen=True, slots=True)
class Logs:
    """Lines of a log. `last_words` is set where they come from there.

    `position` is where the log goes on, also behind lines that were not wanted.
    """

    lines: tuple[LogLine, ...] = ()
    last_words: LastWords | None = None
    position: str = ""

    @property
    def text(self) -> str:
        return "".join(map(as_text, self.lines))


def as_text(line: LogLine) -> str:
    return f"{line.time} {line.text}\n"


def read_logs(
    view: DeploymentView,
    *,
    tail: int = DEFAULT_TAIL,
    since: datetime | None = None,
    wanted: LogFilter = EVERYTHING,
    context: AppContext,
) -> Logs:
    """Return a deployment's last lines, from its container or from its last words.

    Raises EngineError where the engine does not answer: older words would be false then.
    """
    gateway = writing_gateway(view)
    if gateway is None:
        return read_words(view, tail=tail, since=since, wanted=wanted, context=context)
    numbering, key = Numbering(), None
    mask = masker_for(view.deployment, gateway, context)
    lines: deque[LogLine] = deque(maxlen=tail)
    reach = tail if wanted == EVERYTHING else _LOOKED_THROUGH
    for raw in _raw_lines(gateway, reach, since, context):
        key = numbering.key(raw)
        line = read_line(raw, mask)
        if wanted.wants(line):
            lines.append(line)
    return Logs(tuple(lines), position=str(LogPosition(gateway.id, key)))


def read_words(
    view: DeploymentView,
    *,
    tail: int | None = DEFAULT_TAIL,
    since: datetime | None = None,
    wanted: LogFilter = EVERYTHING,
    context: AppContext,
) -> Logs:
    """Return the last words of the latest container before the one of now. Raises EngineError."""
    words = last_words_of(view, context=context)
    if words is None or (since and words.moment < since):
        return Logs()
    mask = masker_for(view.deployment, view.gateway, context)
    lines = (read_line(raw, mask) for raw in map(_kept_line, lines_of(words.log)))
    return Logs(tuple(deque(filter(wanted.wants, lines), maxlen=tail)), words, str(_GONE))


def last_words_of(view: DeploymentView, *, context: AppContext) -> LastWords | None:
    """Return the words of the latest container but the one that is there now."""
    now = view.gateway.id if view.gateway else ""
    kept = map(words_in, words_files(context.store.folder(view.deployment.id)))
    return next((words for words in kept if words and words.container != now), None)


def stream_logs(
    view: DeploymentView,
    *,
    since: datetime | None = None,
    wanted: LogFilter = EVERYTHING,
    context: AppContext,
) -> Iterator[LogLine]:
    """Give all lines that there are, as they are read. Raises EngineError, also amid them."""
    gateway = writing_gateway(view)
    if gateway is None:
        return iter(read_words(view, tail=None, since=since, wanted=wanted, context=context).lines)
    mask = masker_for(view.deployment, gateway, context)
    lines = _raw_lines(gateway, None, since, context)
    return filter(wanted.wants, map(partial(read_line, mask=mask), lines))


def writing_gateway(view: DeploymentView) -> Container | None:
    """Return the container that has a log, or None. Raises EngineError."""
    if view.problem:
        raise engine_error(view.problem.code, view.problem.reason)
    return view.gateway if view.gateway and view.gateway.state != "created" else None


def _raw_lines(
    gateway: Container, tail: int | None, since: datetime | None, context: AppContext
) -> Iterable[RawLine]:
    """Give lines as the engine has them; none where the container is gone meanwhile."""
    # The engine takes no time before 1970.
    seconds = f"{max(since.timestamp(), 0):.6f}" if since else None
    try:
        stream = context.log_source.open(gateway.id, tail=tail, since=seconds)
    except NotFound:
        return ()
    return chain.from_iterable(stream.batches())


def _kept_line(line: str) -> RawLine:
    time, _, text = line.partition(" ")
    return RawLine(time, Stream.OUT, text)
