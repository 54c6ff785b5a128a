"""The context of an operation's process: the deployment, the log, and the cancellation."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Timer
from types import FrameType
from typing import Self

from app.core.deployment import Deployment
from app.core.operations.operation import Operation
from app.core.operations.steps import Step
from app.core.snapshot import Container, Run
from app.store.operation_log import OperationLog
from app.store.operation_process import CANCEL
from app.store.operations import operation_folder
from app.usecases.context import AppContext


class Cancelled(BaseException):
    """Somebody has cancelled the operation. No `except Exception` may catch this.

    `words` say what was rolled back; `verified` is the run verified after the rollback.
    """

    def __init__(self, words: str = "", verified: Run | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.verified = verified


class Cancellation:
    """Raises Cancelled, once and only inside `allowed`, if `is_asked` returns True.

    The signal may arrive at any moment. Work that must not be interrupted runs outside `allowed`. A
    second signal does not interrupt the clean-up.
    """

    def __init__(self, is_asked: Callable[[], bool]) -> None:
        self._is_asked = is_asked
        self._allowed = False
        self._patience = 0.0
        self._not_before = 0.0
        self._reminder: Timer | None = None

    def listen(self) -> None:
        """Handle the signal from now on. `allowed` notices a request from before this call."""
        signal.signal(CANCEL, self._on_signal)

    @contextmanager
    def allowed(self, patience: float = 0.0) -> Iterator[None]:
        """Allow the cancellation of the work inside: at once, or after `patience` seconds.

        Use patience for work that usually ends soon and does harm if interrupted.
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

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
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


@dataclass(frozen=True, slots=True)
class OperationContext:
    """A running operation. `log` is for calls that begin steps themselves, such as Compose's."""

    operation: Operation
    deployment: Deployment
    context: AppContext
    log: OperationLog
    cancellation: Cancellation

    def say(self, text: str) -> None:
        """Write a text into the log, with secrets masked."""
        self.log.say(text)

    def step(self, step: Step, words: str) -> None:
        """Begin a step, and write `words` into the log."""
        self.log.step(step, words)

    @property
    def folder(self) -> Path:
        return self.context.store.folder(self.deployment.id)

    @property
    def own_folder(self) -> Path:
        """The folder with the operation's log and the files that the operation keeps."""
        return operation_folder(self.folder, self.operation.number)

    def gateway(self) -> Container | None:
        """Return the gateway's container, as reported now by the engine. Raise EngineError."""
        return self.deployment.gateway_in(self.context.containers.of(self.deployment.id))

    def reloaded(self) -> Self:
        """Return this operation with the deployment reloaded from its files."""
        return replace(self, deployment=self.context.store.load(self.deployment.id))
