"""What an operation process works on, and what it works with."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from app.core.deployment import Deployment
from app.core.operations.operation import Operation
from app.core.snapshot import Container
from app.usecases.context import AppContext
from app.usecases.operations.cancellation import Cancellation
from app.usecases.operations.operations import Say


@dataclass(frozen=True, slots=True)
class OperationContext:
    """One operation under way. `say` writes a line, masked, into its log."""

    operation: Operation
    deployment: Deployment
    context: AppContext
    say: Say
    cancellation: Cancellation

    @property
    def folder(self) -> Path:
        return self.context.store.folder(self.deployment.id)

    def gateway(self) -> Container | None:
        """Return the gateway's container as the engine has it now. Raise EngineError."""
        return self.deployment.gateway_in(self.context.containers.of(self.deployment.id))

    def reloaded(self) -> Self:
        """Return the same operation on the deployment as its files are now."""
        return replace(self, deployment=self.context.store.load(self.deployment.id))
