"""Cancellation, in the operation process: heard only where the work can be left."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from app.store.operation_process import CANCEL


class Cancelled(BaseException):
    """Somebody wants the operation to end. No `except Exception` on the way may swallow it."""


class Cancellation:
    """The wish for an operation's end; `is_asked` looks for it in the folder.

    It comes at any moment, so it is raised only inside `allowed`, and once: what takes
    down after it is not disturbed by a second one.
    """

    def __init__(self, is_asked: Callable[[], bool]) -> None:
        self._is_asked = is_asked
        self._allowed = False

    def listen(self) -> None:
        """From now on a signal is understood. What was asked before it is seen by `allowed`."""
        signal.signal(CANCEL, self._hear)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let the work inside be left with Cancelled."""
        self._allowed = True
        try:
            if self._is_asked():
                raise Cancelled
            yield
        finally:
            self._allowed = False

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._allowed and self._is_asked():
            self._allowed = False
            raise Cancelled
