"""Followers of logs: one connection and one thread per container, however many readers.

    cursor = followers.follow(container_id, after, wake)   # begins after the line `after`
    lines, skipped = cursor.take(most)                     # never waits
    cursor.close()

The follower's thread calls `wake` when there may be new lines. Lines are kept in a ring: a slow
reader misses the oldest lines, and gets the number of missed lines. The last reader that closes
its cursor ends the connection and the thread. A log that ends, because its container or the engine
stopped, is opened again from the last known line.
"""

import logging
import threading
from collections.abc import Callable, Container
from contextlib import suppress
from typing import NamedTuple

from docker.errors import NotFound

from app.core.errors import EngineError
from app.core.history.incidents import ContainerEvent
from app.core.logs.lines import LineKey, Numbering, RawLine, seconds_before
from app.engine.logs.source import LogSource, LogStream

_log = logging.getLogger("deploy_agent")

MOST_LINES = 5_000
MOST_BYTES = 4 * 1024 * 1024
# The memory that a line takes in addition to its text.
_LINE_BYTES = 300
# The engine's events announce a start. This is the retry for times without events.
_AGAIN_SECONDS = 5.0
# Docker writes the two streams of a container out of order, by far less than this time.
_DISORDER_SECONDS = 2

Wake = Callable[[], None]


class KeptLine(NamedTuple):
    key: LineKey
    line: RawLine


class Ring:
    """The latest lines of a log, numbered from 0."""

    def __init__(self, most_lines: int = MOST_LINES, most_bytes: int = MOST_BYTES) -> None:
        self._slots: list[KeptLine | None] = [None] * most_lines
        self._most_bytes = most_bytes
        self._bytes = 0
        self.first = 0
        self.next = 0

    def add(self, kept: KeptLine) -> None:
        if self.next - self.first == len(self._slots):
            self._drop()
        self._slots[self.next % len(self._slots)] = kept
        self.next += 1
        self._bytes += _size(kept)
        while self._bytes > self._most_bytes and self.first < self.next - 1:
            self._drop()

    def _drop(self) -> None:
        index = self.first % len(self._slots)
        dropped, self._slots[index] = self._slots[index], None
        assert dropped is not None
        self._bytes -= _size(dropped)
        self.first += 1

    def at(self, number: int) -> KeptLine:
        kept = self._slots[number % len(self._slots)]
        assert kept is not None and self.first <= number < self.next
        return kept

    def number_of(self, key: LineKey) -> int | None:
        numbers = range(self.next - 1, self.first - 1, -1)
        return next((number for number in numbers if self.at(number).key == key), None)


def _size(kept: KeptLine) -> int:
    return len(kept.line.text) + _LINE_BYTES


class LogFollowers:
    """The followers of this process, by container."""

    def __init__(self, source: LogSource) -> None:
        self._source = source
        self._followers: dict[str, _Follower] = {}
        self._lock = threading.Lock()

    def follow(self, container_id: str, after: LineKey | None, wake: Wake) -> "Cursor":
        """Return a cursor after the line `after`, or at the first known line."""
        with self._lock:
            follower = self._followers.get(container_id)
            if follower is None or follower.is_over:
                follower = _Follower(self._source, container_id)
                self._followers[container_id] = follower
                follower.start()
            follower.wakes.append(wake)
        return Cursor(follower, after, lambda: self._remove(follower, wake))

    def on_event(self, event: ContainerEvent) -> None:
        """Open a container's log at once when the container starts again."""
        follower = self._followers.get(event.container_id)
        if follower and event.action == "start":
            follower.again.set()

    def _remove(self, follower: "_Follower", wake: Wake) -> None:
        with self._lock:
            follower.wakes.remove(wake)
            if follower.wakes:
                return
            if self._followers.get(follower.container_id) is follower:
                del self._followers[follower.container_id]
        follower.close()


class Cursor:
    """One reader's position in a log."""

    def __init__(self, follower: "_Follower", after: LineKey | None, leave: Wake) -> None:
        self._follower = follower
        self._after = after
        self._leave: Wake | None = leave
        self._next: int | None = None

    def take(self, most: int) -> tuple[list[KeptLine], int | None]:
        """Return at most `most` next lines, and the number of skipped lines before them.

        The number is None if unknown. A reader that missed lines continues with the newest lines.
        """
        with self._follower.lock:
            ring = self._follower.ring
            skipped: int | None = 0
            if self._next is None:
                if not self._follower.loaded.is_set():
                    return [], 0
                self._next, skipped = self._begin(ring)
            if self._next < ring.first:
                newest = max(ring.first, ring.next - most)
                self._next, skipped = newest, newest - self._next
            until = min(ring.next, self._next + most)
            lines = [ring.at(number) for number in range(self._next, until)]
            self._next = until
        return lines, skipped

    def _begin(self, ring: Ring) -> tuple[int, int | None]:
        if self._after is None:
            return ring.first, 0
        number = ring.number_of(self._after)
        return (ring.first, None) if number is None else (number + 1, 0)

    def await_loaded(self, seconds: float) -> None:
        """Wait until the existing lines can be taken."""
        self._follower.loaded.wait(seconds)

    @property
    def waiting(self) -> int:
        """The number of lines that can be taken."""
        ring = self._follower.ring
        return ring.next - max(ring.first, self._next or 0)

    def close(self) -> None:
        """Stop reading. May be called more than once."""
        leave, self._leave = self._leave, None
        if leave:
            leave()


class _Follower:
    """Reads one container's log into a ring, as long as it has readers."""

    def __init__(self, source: LogSource, container_id: str) -> None:
        self.container_id = container_id
        self.ring = Ring()
        self.lock = threading.Lock()
        self.wakes: list[Wake] = []
        self.again = threading.Event()
        self.loaded = threading.Event()
        self.is_over = False
        self._source = source
        self._numbering = Numbering()
        self._closing = False
        self._stream: LogStream | None = None

    def start(self) -> None:
        name = f"log-{self.container_id[:12]}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def close(self) -> None:
        self._closing = True
        self.again.set()
        if stream := self._stream:
            stream.close()

    def _run(self) -> None:
        try:
            while not self._closing:
                self.again.clear()
                # Pages show the engine's error; this thread tries again.
                with suppress(EngineError):
                    self._read_on()
                self.again.wait(0 if self._closing else _AGAIN_SECONDS)
        except NotFound:
            pass  # The container was removed: all its lines have been read.
        except Exception:  # noqa: BLE001 - the readers must learn that the log is over
            _log.exception("the log of %s could not be followed", self.container_id)
        self.is_over = True
        self.loaded.set()
        self._wake()

    def _read_on(self) -> None:
        """Read existing lines, then new ones, until the log ends. Raises EngineError, NotFound."""
        if not self.loaded.is_set():
            self._read_into_ring(self._source.open(self.container_id, tail=MOST_LINES))
            self.loaded.set()
            self._wake()
        since, known = self._known()
        stream = self._source.open(self.container_id, since=since, follow=True)
        self._read_into_ring(stream, known)

    def _known(self) -> tuple[str | None, set[LineKey]]:
        """Return a time shortly before the last line, and the keys of the known lines."""
        ring = self.ring
        keys = [ring.at(number).key for number in range(ring.first, ring.next)]
        if not keys:
            return None, set()
        since = seconds_before(keys[-1].time, _DISORDER_SECONDS)
        if len(keys) == MOST_LINES or ring.first:
            # With many lines a second, don't read lines again that the ring has dropped.
            since = max(since, seconds_before(keys[len(keys) // 2].time, 0))
        self._numbering = Numbering()
        return since, set(keys)

    def _read_into_ring(self, stream: LogStream, known: Container[LineKey] = ()) -> None:
        self._stream = stream
        if self._closing:
            stream.close()
        for lines in stream.batches():
            with self.lock:
                for line in lines:
                    key = self._numbering.key(line)
                    if key not in known:
                        self.ring.add(KeptLine(key, line))
            if self.loaded.is_set():
                self._wake()

    def _wake(self) -> None:
        for wake in list(self.wakes):
            wake()
