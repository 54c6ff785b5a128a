"""Stop: take a deployment's containers down; its folder, data and token stay."""

from contextlib import suppress

from app.core.diagnosis.causes import Cause
from app.core.errors import NothingToCancel, StopFailed
from app.core.operations.kinds import CANCELLABLE, OperationKind
from app.core.operations.operation import Operation
from app.engine.compose import ComposeFailed
from app.usecases.context import AppContext
from app.usecases.lifecycle.take_down import take_down
from app.usecases.operations.cancel import cancel_operation, wait_for_cancelled
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.operations import (
    OperationFailed,
    Started,
    start_operation,
    wait_for,
)
from app.usecases.status.causes import compose_cause

# Longer than containers get to end by themselves; a stop that waits for it has 110 s after it.
_CANCEL_SECONDS = 40.0


def stop_deployment(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start stopping a deployment, also one whose `.env` can't be read.

    A launch that runs is cancelled first: whoever stops wants nothing to run after it.
    Raises NotFound, DeploymentInvalid, Busy, StorageFailed, EngineError, TooManyWaiting.
    """
    deployment = context.store.load(deployment_id)
    context.containers.of(deployment_id)
    running = deployment.running_operation
    if running and running.kind in CANCELLABLE:
        with suppress(NothingToCancel):
            cancelled = cancel_operation(deployment_id, actor=actor, context=context)
            wait_for_cancelled(cancelled, context=context, seconds=_CANCEL_SECONDS)
    return start_operation(OperationKind.STOP, deployment, actor=actor, context=context)


def wait_for_stop(started: Started, *, context: AppContext) -> Operation | None:
    """Return how a stop ended, or None where it is still going on. Raises StopFailed."""
    return wait_for(started, lambda ended: StopFailed, context=context)


def perform_stop(op: OperationContext) -> None:
    """Take the containers down and see that they are gone. Raises OperationFailed, EngineError."""
    deployment, context = op.deployment, op.context
    try:
        take_down(deployment, context=context, say=op.say)
    except ComposeFailed as error:
        raise OperationFailed(compose_cause(error, deployment, context)) from None
    if left := context.containers.of(deployment.id):
        names = ", ".join(each.name for each in left)
        raise OperationFailed(
            Cause("containers_left", f"After the stop there is still {names}.", "Stop again.")
        )
