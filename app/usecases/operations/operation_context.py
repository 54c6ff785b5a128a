"""A task: what an operation process has to do, and what it does it with."""

from dataclasses import dataclass

from app.core.deployment import Deployment, Operation
from app.usecases.operations.cancellation import Cancellation
from app.usecases.operations.operations import Say
from app.usecases.context import World


@dataclass(frozen=True, slots=True)
class Task:
    """One operation under way. `say` writes a line, masked, into its log."""

    operation: Operation
    deployment: Deployment
    world: World
    say: Say
    cancellation: Cancellation
