"""Operations of a deployment, as pages, the API and the command line show them."""

from dataclasses import replace

from app.core.deployment import parse_id
from app.core.errors import NotFound
from app.core.operations.operation import Operation, OperationState
from app.store import operations
from app.usecases.context import AppContext
from app.usecases.operations.answers import INTERRUPTION


def operation_of(deployment_id: str, number: int, *, context: AppContext) -> Operation:
    """Return one operation of a deployment, archived or not. Raise NotFound."""
    # An archiving may move the folder while we read it: then the second try finds it.
    folders = (context.store.folder_or_archived(parse_id(deployment_id)) for _ in range(2))
    tries = (operations.read_operation(each, number) for each in folders)
    found = next((each for each in tries if each), None)
    if found is None:
        context.store.load(deployment_id)
        raise NotFound(f"There is no operation {number} of {deployment_id}; the last 20 are kept.")
    return replace(found, deployment_id=deployment_id)


def failure_of(operation: Operation) -> str:
    """Return why an operation did not succeed, and what to do."""
    if operation.state is OperationState.INTERRUPTED:
        return (
            f"The {operation.kind.noun} was interrupted: {INTERRUPTION}"
            f" {operation.kind.after_interruption}"
        )
    return f"{operation.reason} {operation.next_step}".strip()
