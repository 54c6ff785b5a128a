"""Stop: take a deployment's containers down; its folder, data and token stay."""

from app.core.deployment import Deployment, Operation, OperationKind
from app.core.diagnosis import Cause
from app.core.errors import StopFailed
from app.engine.compose import ComposeFailed
from app.usecases.causes import compose_cause
from app.usecases.operations import (
    OperationFailed,
    Say,
    Started,
    start_operation,
    wait_for,
)
from app.usecases.take_down import take_down
from app.usecases.world import World


def stop_deployment(deployment_id: str, *, actor: str, world: World) -> Started:
    """Start stopping a deployment, also one whose `.env` can't be read.

    Raises NotFound, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = world.store.load(deployment_id)
    world.containers.of(deployment_id)
    return start_operation(OperationKind.STOP, deployment, actor=actor, world=world)


def wait_for_stop(started: Started, *, world: World) -> Operation | None:
    """Return how a stop ended, or None where it is still going on. Raises StopFailed."""
    return wait_for(started, lambda ended: StopFailed, world=world)


def perform_stop(deployment: Deployment, *, world: World, say: Say) -> None:
    """Take the containers down and see that they are gone. Raises OperationFailed, EngineError."""
    try:
        take_down(deployment, world=world, say=say)
    except ComposeFailed as error:
        raise OperationFailed(compose_cause(error, deployment, world)) from None
    if left := world.containers.of(deployment.id):
        names = ", ".join(each.name for each in left)
        raise OperationFailed(
            Cause("containers_left", f"After the stop there is still {names}.", "Stop again.")
        )
