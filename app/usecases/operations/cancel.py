"""Cancel a running operation, and wait for its end."""

import time

from app.core.deployment import Deployment
from app.core.errors import NothingToCancel
from app.core.operations.operation import Operation, OperationState
from app.store import operations
from app.store.operation_process import signal_cancel
from app.store.storage_errors import storage_errors
from app.usecases.context import AppContext
from app.usecases.operations.answers import OperationShown
from app.usecases.operations.operations import operation_of
from app.usecases.operations.wait import WAIT_SECONDS, waiting_place

_POLL_SECONDS = 0.1


def cancel_operation(deployment_id: str, *, actor: str, context: AppContext) -> Operation:
    """Request the end of a deployment's running operation, and return the operation.

    If two people request it, the first is recorded. Raise NotFound, NothingToCancel, StorageFailed.
    """
    deployment = context.store.load(deployment_id)
    running = deployment.running_operation
    if running is None:
        raise NothingToCancel(_nothing_runs(deployment))
    if not running.kind.facts.can_be_cancelled:
        raise NothingToCancel(
            f"The {running.kind.noun} by {running.actor} can't be cancelled: cut off half-way"
            " it could leave unwanted containers. Wait until it ends.",
            extra={"operation": OperationShown.of(running).as_json()},
        )
    folder = context.store.folder(deployment_id)
    with storage_errors(f"The {running.kind.noun} was not cancelled."):
        operations.ask_to_cancel(folder, running.number, actor)
    signal_cancel(folder, running.number)
    return operation_of(deployment_id, running.number, context=context)


def wait_for_cancelled(
    operation: Operation, *, context: AppContext, seconds: float = WAIT_SECONDS
) -> Operation | None:
    """Return the cancelled operation once it has ended, or None after `seconds`.

    Raise NothingToCancel if it ended in another way first, TooManyWaiting.
    """
    deadline = time.monotonic() + seconds
    with waiting_place(operation):
        while operation.state is OperationState.RUNNING:
            if time.monotonic() > deadline:
                return None
            time.sleep(_POLL_SECONDS)
            operation = operation_of(operation.deployment_id, operation.number, context=context)
    if operation.state is not OperationState.CANCELLED:
        shown = OperationShown.of(operation).as_json()
        raise NothingToCancel(_ended(operation), extra={"operation": shown})
    return operation


def _nothing_runs(deployment: Deployment) -> str:
    latest = deployment.operation
    return _ended(latest) if latest else "No operation runs on this deployment."


def _ended(operation: Operation) -> str:
    if operation.state is OperationState.CANCELLED:
        return f"The {operation.kind.noun} is cancelled already, by {operation.cancelled_by}."
    return f"The {operation.kind.noun} had ended already: it {operation.state.phrase}."
