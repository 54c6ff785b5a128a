"""Cancel: let a running launch end, and take down what it started."""

import time

from app.core.deployment import Deployment
from app.core.errors import NothingToCancel
from app.core.operations.operation import Operation, OperationState
from app.store import operations
from app.store.files import storage_errors
from app.store.operation_process import tell_to_cancel
from app.usecases.context import AppContext
from app.usecases.operations.answers import OperationShown
from app.usecases.operations.operations import WAIT_SECONDS, operation_of, waiting_place

_LOOK_AGAIN_SECONDS = 0.1


def cancel_operation(deployment_id: str, *, actor: str, context: AppContext) -> Operation:
    """Tell the operation that runs on a deployment to end, and return it.

    Told twice, it ends once, for who came first.
    Raises NotFound, NotCancelled, StorageFailed.
    """
    deployment = context.store.load(deployment_id)
    running = deployment.running_operation
    if running is None:
        raise NothingToCancel(_nothing_runs(deployment))
    if not running.kind.facts.can_be_cancelled:
        raise NothingToCancel(
            f"The {running.kind.noun} by {running.actor} can't be cancelled: half done it would"
            " leave containers that nobody asked for. Wait for its end.",
            extra={"operation": OperationShown.of(running).as_json()},
        )
    folder = context.store.folder(deployment_id)
    with storage_errors(f"The {running.kind} was not cancelled."):
        operations.ask_to_cancel(folder, running.number, actor)
    tell_to_cancel(folder, running.number)
    return operation_of(deployment_id, running.number, context=context)


def wait_for_cancelled(
    operation: Operation, *, context: AppContext, seconds: float = WAIT_SECONDS
) -> Operation | None:
    """Return the operation once it is cancelled, or None where that takes longer.

    Raises NotCancelled where it ended in another way before it was told, TooManyWaiting.
    """
    deadline = time.monotonic() + seconds
    with waiting_place(operation):
        while operation.state is OperationState.RUNNING:
            if time.monotonic() > deadline:
                return None
            time.sleep(_LOOK_AGAIN_SECONDS)
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
        return f"The {operation.kind} is cancelled already, by {operation.cancelled_by}."
    return f"The {operation.kind.noun} had ended already: it {operation.state.phrase}."
