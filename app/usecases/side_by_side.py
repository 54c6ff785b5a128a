"""Looks at the context that run beside each other, so that none waits for another that hangs."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class SideBySide:
    """Each look has a name, and a thread as long as it runs; of a name one runs at a time.

    Whoever asks while it runs gets that one: however often it is asked for, a look that
    hangs holds one thread. They are daemons: a command ends without waiting for them.
    """

    def __init__(self) -> None:
        self._running: dict[str, Future[Any]] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, look: Callable[[], Any]) -> Future[Any]:
        with self._lock:
            running = self._running.get(name)
            if running and not running.done():
                return running
            future: Future[Any] = Future()
            self._running[name] = future
        threading.Thread(target=_fulfil, args=(future, look), name=name, daemon=True).start()
        return future


def seconds_until(moment: float) -> float:
    """Return how long it is until a moment of the monotonic clock, never less than nothing."""
    return max(0.0, moment - time.monotonic())


def _fulfil(future: Future[Any], look: Callable[[], Any]) -> None:
    try:
        future.set_result(look())
    except BaseException as error:  # noqa: BLE001 - it is raised again where somebody waits
        future.set_exception(error)
