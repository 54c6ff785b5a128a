"""A op: what an operation process has to do, and what it does it with."""

from dataclasses import dataclass

from app.core.deployment import Deployment
from app.core.operations.operation import Operation
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
