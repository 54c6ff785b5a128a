"""Follows a deployment's log from a reader's position, through container changes."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import lru_cache

from app.core.errors import EngineError
from app.core.logs.lines import LogFilter, LogLine, LogNotice, LogPosition, read_line
from app.core.secrets import Masker
from app.engine.logs.followers import MOST_LINES, Cursor
from app.usecases.context import AppContext
from app.usecases.logs.logs import gateway_with_log
from app.usecases.logs.masking import masker_for
from app.usecases.server.live_updates import Subscriber
from app.usecases.status.overview import DeploymentView, show_deployment

# Limit per reader: nobody reads faster, and no browser should have to render more.
_LINES_A_SECOND = 2_000
_SMALLEST_BATCH = 250
_QUIET_SECONDS = 60.0
_BUSY_SECONDS = 0.1
# Lines that arrive fast are sent in batches, since each batch makes the page lay out again.
_FAST_LINES = 20
_BATCH_SECONDS = 0.15
_LOAD_SECONDS = 3.0
_LOOK_SECONDS = 2.0

# A cache, so that several followers of one log share the parsing.
_read_line = lru_cache(8192)(read_line)


class LogTail:
    """The lines after `position` that one reader has not seen yet; empty means from the start.

    `update` passes the deployment's current view. If the view has a new container, its log follows
    after the end of the previous container's log. `wake` is called when lines arrive.
    """

    def __init__(
        self, log_filter: LogFilter, position: str, wake: Callable[[], None], context: AppContext
    ) -> None:
        self._filter = log_filter
        self._position = LogPosition.parse(position)
        self._wake = wake
        self._context = context
        self._cursor: Cursor | None = None
        self._container_id = ""
        self._next_id = ""
        self._mask = self._next_mask = Masker(())
        self._masked_secrets: tuple[str, ...] | None = None
        self._allowed = float(MOST_LINES)
        self._taken_at = time.monotonic()
        self._not_before = 0.0

    @property
    def position(self) -> str:
        return str(self._position)

    @property
    def pause(self) -> float:
        """Seconds until the next call of `more`, unless `wake` is called earlier."""
        return _BUSY_SECONDS if self._cursor and self._cursor.waiting else _QUIET_SECONDS

    def update(self, view: DeploymentView) -> None:
        try:
            gateway = gateway_with_log(view)
            if gateway is None:
                return
            if (gateway.id, view.deployment.secrets) != (self._next_id, self._masked_secrets):
                self._next_mask = masker_for(view.deployment, gateway, self._context)
        except EngineError:
            return  # Keep following the current container until the engine answers again.
        self._next_id, self._masked_secrets = gateway.id, view.deployment.secrets
        if gateway.id == self._container_id:
            self._mask = self._next_mask

    def more(self, await_existing: bool = False) -> list[LogLine | LogNotice]:
        """Return the lines since the previous call.

        With `await_existing`, wait until the container's existing lines are loaded.
        """
        read = self._take()
        if self._next_id != self._container_id and not (self._cursor and self._cursor.waiting):
            read += self._switch_to(self._next_id)
            if await_existing and self._cursor:
                self._cursor.await_loaded(_LOAD_SECONDS)
            read += self._take()
        return read

    def close(self) -> None:
        if self._cursor:
            self._cursor.close()

    def _switch_to(self, container_id: str) -> list[LogLine | LogNotice]:
        """Follow another container; return a notice if another log was followed so far."""
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
        # A token bucket: the allowance grows with time and shrinks with each line.
        gained = (now - self._taken_at) * _LINES_A_SECOND
        self._taken_at, self._allowed = now, min(self._allowed + gained, MOST_LINES)
        too_few = self._allowed < min(self._cursor.waiting, _SMALLEST_BATCH)
        if too_few or now < self._not_before:
            return []
        taken, skipped = self._cursor.take(int(self._allowed))
        self._allowed -= len(taken)
        self._not_before = now + _BATCH_SECONDS if len(taken) >= _FAST_LINES else 0.0
        if taken:
            self._position = LogPosition(self._container_id, taken[-1].key)
        lines = (_read_line(each.line, self._mask) for each in taken)
        return [*_skipped(skipped), *filter(self._filter.wants, lines)]


def _skipped(number: int | None) -> list[LogNotice]:
    if number is None:
        return [LogNotice("Some lines were skipped.")]
    return [LogNotice(f"{number:,} lines skipped.")] if number else []


def lines_from(
    position: str, log_filter: LogFilter, deployment_id: str, *, context: AppContext
) -> Iterator[LogLine | LogNotice]:
    """Yield new lines of a log. Raises NotFound once the deployment is gone."""
    waker, updated_at = Subscriber(), -_LOOK_SECONDS
    with closing(LogTail(log_filter, position, waker.wake, context)) as tail:
        while True:
            if time.monotonic() - updated_at >= _LOOK_SECONDS:
                tail.update(show_deployment(deployment_id, context=context))
                updated_at = time.monotonic()
            yield from tail.more()
            waker.wait(min(tail.pause, _LOOK_SECONDS))
