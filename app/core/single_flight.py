"""Single flight: callers who want the same result at the same time share one call."""

import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Generic, TypeVar

from cachetools import LRUCache

_MOST_KEYS = 4096
_LONG_AGO, _NEVER = float("-inf"), float("inf")

Result = TypeVar("Result")


class DaemonThreads:
    """Runs calls in daemon threads, at most `most` at a time. The process exits without waiting."""

    def __init__(self, name: str, most: float = float("inf")) -> None:
        self._name = name
        self._most = most
        self._running = 0
        self._waiting: deque[Callable[[], None]] = deque()
        self._lock = Lock()

    def start(self, call: Callable[[], None]) -> None:
        """Run a call that must not raise. Raises RuntimeError if the host gives no thread."""
        with self._lock:
            if self._running >= self._most:
                self._waiting.append(call)
                return
            Thread(target=self._run, args=(call,), name=self._name, daemon=True).start()
            self._running += 1

    def _run(self, call: Callable[[], None] | None) -> None:
        while call:
            call()
            with self._lock:
                call = self._waiting.popleft() if self._waiting else None
                if call is None:
                    self._running -= 1


class _Flight(Generic[Result]):
    """One call for a key. Its times come from `time.monotonic()`."""

    def __init__(self, version: object) -> None:
        self.version = version
        self.begun = time.monotonic()
        self.ended = _NEVER
        self.future: Future[Result] = Future()

    @property
    def is_running(self) -> bool:
        return self.ended == _NEVER

    def run(self, call: Callable[[], Result]) -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - raised again for every caller
            self.fail(error)
        else:
            self.ended = time.monotonic()
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        # Only callers who already wait get the error. It is too old for later callers.
        self.begun = self.ended = _LONG_AGO
        self.future.set_exception(error)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The conditions on which one caller accepts a call's result."""

    seconds: float
    after: float
    version: object
    asked: float

    def accepts(self, flight: _Flight[Result]) -> bool:
        if flight.version != self.version:
            return False
        if flight.begun >= self.asked:
            return True
        is_fresh = flight.is_running or time.monotonic() - flight.ended < self.seconds
        return is_fresh and flight.begun >= self.after


class SingleFlight(Generic[Result]):
    """Runs one call per key at a time, and keeps its result for a time to live.

    With `threads`, each call has a thread of its own, so a call that hangs delays no other key.
    Otherwise the first caller runs the call. An error goes to every caller of that call, and is not
    kept.
    """

    def __init__(self, threads: DaemonThreads | None = None, most: int = _MOST_KEYS) -> None:
        self._threads = threads
        self._flights: LRUCache[Hashable, _Flight[Result]] = LRUCache(most)
        self._lock = Lock()

    def get(
        self,
        key: Hashable,
        call: Callable[[], Result],
        *,
        seconds: float = 0.0,
        after: float = _LONG_AGO,
        version: object = None,
        timeout: float | None = None,
    ) -> Result:
        """Return a result that is at most `seconds` old.

        The call for the result began at `after` (of `time.monotonic()`) or later, or after this
        request for a result, and was made for an equal `version`. Raises what the call raises, and
        TimeoutError after `timeout` seconds.
        """
        asked = time.monotonic()
        wanted = _Wanted(seconds, after, version, asked)
        while True:
            left = None if timeout is None else asked + timeout - time.monotonic()
            flight, is_accepted = self._join(key, call, wanted)
            if is_accepted:
                return flight.future.result(left)
            # Wait only for the end: this caller needs a later call's result.
            flight.future.exception(left)

    def begin(
        self, key: Hashable, call: Callable[[], Result], seconds: float = 0.0
    ) -> Future[Result]:
        """Return the future of a call that runs, ended at most `seconds` ago, or begins now."""
        return self._join(key, call, _Wanted(seconds, _LONG_AGO, None, time.monotonic()))[0].future

    def is_running(self, key: Hashable) -> bool:
        with self._lock:
            flight = self._flights.get(key)
        return flight is not None and flight.is_running

    def _join(
        self, key: Hashable, call: Callable[[], Result], wanted: _Wanted
    ) -> tuple[_Flight[Result], bool]:
        """Return the key's call, a new one if necessary, and whether the caller accepts it."""
        with self._lock:
            flight = self._flights.get(key)
            is_accepted = flight is not None and wanted.accepts(flight)
            if flight and (is_accepted or flight.is_running):
                return flight, is_accepted
            flight = self._flights[key] = _Flight(wanted.version)
        self._start(flight, call)
        return flight, True

    def _start(self, flight: _Flight[Result], call: Callable[[], Result]) -> None:
        if self._threads is None:
            flight.run(call)
            return
        try:
            self._threads.start(lambda: flight.run(call))
        except RuntimeError as error:
            flight.fail(error)
