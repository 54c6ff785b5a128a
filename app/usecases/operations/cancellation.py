"""Cancellation, in the operation process: heard only where the work can be left."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from types import FrameType

from app.core.snapshot import Run
from app.store.operation_process import CANCEL


class Cancelled(BaseException):
    """Somebody wants the operation to end. No `except Exception` on the way may swallow it.

    `words` say what was undone for it, `verified` is the run that is proven after that.
    """

    def __init__(self, words: str = "", verified: Run | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.verified = verified


class Cancellation:
    """The wish for an operation's end; `is_asked` looks for it in the folder.

    It comes at any moment, so it is raised only inside `allowed`, and once: what takes
    down after it is not disturbed by a second one.
    """

    def __init__(self, is_asked: Callable[[], bool]) -> None:
        self._is_asked = is_asked
        self._allowed = False
        self._patience = 0.0
        self._not_before = 0.0
        self._reminder: Timer | None = None

    def listen(self) -> None:
        """From now on a signal is understood. What was asked before it is seen by `allowed`."""
        signal.signal(CANCEL, self._hear)

    @contextmanager
    def allowed(self, patience: float = 0.0) -> Iterator[None]:
        """Let the work inside be left with Cancelled: at once, or after some seconds.

        Patience is for what does harm where it is broken off, and ends soon as a rule.
        """
        self._allowed, self._patience, self._not_before = True, patience, 0.0
        try:
            if self._is_asked():
                raise Cancelled
            yield
        finally:
            self._allowed = False
            if self._reminder:
                self._reminder.cancel()

    def _remind(self) -> None:
        self._reminder = Timer(self._patience, os.kill, (os.getpid(), CANCEL))
        self._reminder.daemon = True
        self._reminder.start()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if not (self._allowed and self._is_asked()):
            return
        now = time.monotonic()
        if not self._not_before:
            self._not_before = now + self._patience
            if self._patience:
                self._remind()
        if now >= self._not_before:
            self._allowed = False
            raise Cancelled
