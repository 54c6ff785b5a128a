"""What an operation process works on, and what it works with."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from app.core.deployment import Deployment
from app.core.operations.operation import Operation
from app.core.operations.steps import Step
from app.core.snapshot import Container
from app.store.operation_log import OperationLog
from app.usecases.context import AppContext
from app.usecases.operations.cancellation import Cancellation


@dataclass(frozen=True, slots=True)
class OperationContext:
    """One operation under way. `log` is for calls that begin steps themselves, as Compose does."""

    operation: Operation
    deployment: Deployment
    context: AppContext
    log: OperationLog
    cancellation: Cancellation

    def say(self, text: str) -> None:
        """Write a text, masked, into the log."""
        self.log.say(text)

    def step(self, step: Step, words: str) -> None:
        """Begin a step, and write the words into the log."""
        self.log.step(step, words)

    @property
    def folder(self) -> Path:
        return self.context.store.folder(self.deployment.id)

    def gateway(self) -> Container | None:
        """Return the gateway's container as the engine has it now. Raise EngineError."""
        return self.deployment.gateway_in(self.context.containers.of(self.deployment.id))

    def reloaded(self) -> Self:
        """Return the same operation on the deployment as its files are now."""
        return replace(self, deployment=self.context.store.load(self.deployment.id))
