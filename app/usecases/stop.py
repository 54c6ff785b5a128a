"""Stop: take a deployment's containers down; its folder, data and token stay."""

from app.core.deployment import Deployment, Operation, OperationKind, OperationState, gateway_of
from app.core.diagnosis import Cause
from app.core.errors import StopFailed
from app.core.secrets import Masker, secret_values
from app.engine.compose import ComposeFailed, compose_down, compose_stop
from app.usecases.causes import compose_cause
from app.usecases.last_words import keep_words_of
from app.usecases.operations import (
    OperationFailed,
    Say,
    Started,
    describe,
    failure_of,
    operation_of,
    start_operation,
)
from app.usecases.world import World


def stop_deployment(deployment_id: str, *, actor: str, world: World) -> Started:
    """Start stopping a deployment, also one whose `.env` can't be read.

    Raises NotFound, Busy, StorageFailed, EngineError.
    """
    deployment = world.store.load(deployment_id)
    world.containers.of(deployment_id)
    return start_operation(OperationKind.STOP, deployment, actor=actor, world=world)


def wait_for_stop(started: Started, *, world: World) -> Operation:
    """Return how a stop ended; its own deadline bounds the wait. Raises StopFailed."""
    started.process.wait()
    operation = started.operation
    ended = operation_of(operation.deployment_id, operation.number, world=world)
    if ended.state is not OperationState.SUCCEEDED:
        raise StopFailed(
            failure_of(ended),
            extra={"operation": describe(ended), "cause": ended.code},
        )
    return ended


def perform_stop(deployment: Deployment, *, world: World, say: Say) -> None:
    """Stop and remove the containers, and see that they are gone.

    By project, not by folder, so that a damaged `.env` holds nothing up.
    Raises OperationFailed, EngineError.
    """
    mask = Masker(secret_values(deployment.env))
    seconds = world.settings.stop_timeout
    try:
        say("docker compose stop")
        compose_stop(deployment.id, say, seconds)
        gateway = gateway_of(world.containers.of(deployment.id))
        if gateway and gateway.state != "created":
            keep_words_of(gateway, world.store.folder(deployment.id), world.containers, mask)
        say("docker compose down")
        compose_down(deployment.id, say, seconds)
    except ComposeFailed as error:
        raise OperationFailed(compose_cause(error, deployment, world)) from None
    if left := world.containers.of(deployment.id):
        names = ", ".join(each.name for each in left)
        raise OperationFailed(
            Cause("containers_left", f"After the stop there is still {names}.", "Stop again.")
        )
