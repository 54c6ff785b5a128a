"""Following a deployment's log from where a reader is, over all the containers it has."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import lru_cache

from app.core.errors import EngineError
from app.core.logs.lines import LogFilter, LogLine, LogNotice, LogPosition, read_line
from app.core.secrets import Masker
from app.engine.logs.followers import MOST_LINES, Cursor
from app.usecases.context import AppContext
from app.usecases.logs.logs import writing_gateway
from app.usecases.logs.masking import masker_for
from app.usecases.server.live_updates import Viewer
from app.usecases.status.overview import DeploymentView, show_deployment

# Faster than this nobody reads, and no browser should have to keep up.
_LINES_A_SECOND = 2_000
_LEAST_AT_ONCE = 250
_QUIET_SECONDS = 60.0
_BUSY_SECONDS = 0.1
# Where lines come fast, so many at once and so often: a page is laid out anew for each batch.
_FAST_LINES = 20
_BATCH_SECONDS = 0.15
_PATIENCE_SECONDS = 3.0
_LOOK_SECONDS = 2.0

# Read once for all who follow the same log.
_read_line = lru_cache(8192)(read_line)


class LogTail:
    """What one reader has yet to see.

    `see` tells it of the deployment as it stands; another container's log is taken up
    when the one before has been read to its end. `wake` is called when there is more.
    """

    def __init__(
        self, wanted: LogFilter, position: str, wake: Callable[[], None], context: AppContext
    ) -> None:
        self._wanted = wanted
        self._position = LogPosition.parse(position)
        self._wake = wake
        self._context = context
        self._cursor: Cursor | None = None
        self._container_id = ""
        self._next_id = ""
        self._mask = self._next_mask = Masker(())
        self._masked: tuple[str, ...] | None = None
        self._allowed = float(MOST_LINES)
        self._asked_at = time.monotonic()
        self._not_before = 0.0

    @property
    def position(self) -> str:
        return str(self._position)

    @property
    def pause(self) -> float:
        """Seconds after which to ask for more, where nothing woke the reader."""
        return _BUSY_SECONDS if self._cursor and self._cursor.waiting else _QUIET_SECONDS

    def see(self, view: DeploymentView) -> None:
        try:
            gateway = writing_gateway(view)
            if gateway is None:
                return
            if (gateway.id, view.deployment.secrets) != (self._next_id, self._masked):
                self._next_mask = masker_for(view.deployment, gateway, self._context)
        except EngineError:
            return  # What is followed is; another container is seen when the engine answers.
        self._next_id, self._masked = gateway.id, view.deployment.secrets
        if gateway.id == self._container_id:
            self._mask = self._next_mask

    def more(self, patient: bool = False) -> list[LogLine | LogNotice]:
        """Return what came since, or nothing. It waits for what is there already if `patient`."""
        read = self._take()
        if self._next_id != self._container_id and not (self._cursor and self._cursor.waiting):
            read += self._turn_to(self._next_id)
            if patient and self._cursor:
                self._cursor.await_loaded(_PATIENCE_SECONDS)
            read += self._take()
        return read

    def close(self) -> None:
        if self._cursor:
            self._cursor.close()

    def _turn_to(self, container_id: str) -> list[LogLine | LogNotice]:
        """Follow another container, which says so where there was one before."""
        self.close()
        before = self._position
        same = before.is_in(container_id)
        after = before.key if same else None
        self._container_id, self._mask = container_id, self._next_mask
        self._cursor = self._context.log_followers.follow(container_id, after, self._wake)
        if same:
            return []
        self._position = LogPosition(container_id, None)
        return [LogNotice("Another container: its log begins here.")] if before.container else []

    def _take(self) -> list[LogLine | LogNotice]:
        if self._cursor is None:
            return []
        now = time.monotonic()
        earned = (now - self._asked_at) * _LINES_A_SECOND
        self._asked_at, self._allowed = now, min(self._allowed + earned, MOST_LINES)
        too_few = self._allowed < min(self._cursor.waiting, _LEAST_AT_ONCE)
        if too_few or now < self._not_before:
            return []
        held, skipped = self._cursor.take(int(self._allowed))
        self._allowed -= len(held)
        self._not_before = now + _BATCH_SECONDS if len(held) >= _FAST_LINES else 0.0
        if held:
            self._position = LogPosition(self._container_id, held[-1].key)
        lines = (_read_line(each.line, self._mask) for each in held)
        return [*_skipped(skipped), *filter(self._wanted.wants, lines)]


def _skipped(number: int | None) -> list[LogNotice]:
    if number is None:
        return [LogNotice("Some lines were skipped.")]
    return [LogNotice(f"{number:,} lines skipped.")] if number else []


def follow_logs(
    wanted: LogFilter, position: str, wake: Callable[[], None], *, context: AppContext
) -> LogTail:
    """Follow a log from a position that a page has, empty where it has none."""
    return LogTail(wanted, position, wake, context)


def lines_from(
    position: str, wanted: LogFilter, deployment_id: str, *, context: AppContext
) -> Iterator[LogLine | LogNotice]:
    """Give what comes to a log, for as long as there is the deployment.

    Raises NotFound once there is not.
    """
    viewer, looked_at = Viewer(), -_LOOK_SECONDS
    with closing(follow_logs(wanted, position, viewer.wake, context=context)) as tail:
        while True:
            if time.monotonic() - looked_at >= _LOOK_SECONDS:
                tail.see(show_deployment(deployment_id, context=context))
                looked_at = time.monotonic()
            yield from tail.more()
            viewer.wait(min(tail.pause, _LOOK_SECONDS))
