"""Operations of a deployment, with their steps and output, during a run and afterwards."""

from dataclasses import replace

from app.core.deployment import parse_id
from app.core.errors import NotFound
from app.core.operations.older_logs import layer_in, records_in
from app.core.operations.operation import Operation, OperationState
from app.core.operations.progress import StepBegan, StepProgress, progress_of
from app.store import operation_log, operations
from app.usecases.context import AppContext
from app.usecases.operations.answers import INTERRUPTION


def operation_of(deployment_id: str, number: int, *, context: AppContext) -> Operation:
    """Return one operation of a deployment, archived or not. Raise NotFound."""
    # Try twice: an archiving may move the folder during the first try.
    folders = (context.store.folder_or_archived(parse_id(deployment_id)) for _ in range(2))
    tries = (operations.read_operation(each, number) for each in folders)
    found = next((each for each in tries if each), None)
    if found is None:
        context.store.load(deployment_id)
        raise NotFound(f"There is no operation {number} of {deployment_id}; the last 20 are kept.")
    return replace(found, deployment_id=deployment_id)


def failure_of(operation: Operation) -> str:
    """Return why an operation did not succeed, and what to do next."""
    if operation.state is OperationState.INTERRUPTED:
        return (
            f"The {operation.kind.noun} was interrupted: {INTERRUPTION}"
            f" {operation.kind.after_interruption}"
        )
    return f"{operation.reason} {operation.next_step}".strip()


def steps_of(operation: Operation, *, context: AppContext) -> tuple[StepProgress, ...]:
    """Return the planned, running and finished steps of an operation."""
    folder = context.store.folder(operation.deployment_id)
    recorded = operation_log.read_records(folder, operation.number)
    if recorded is None:
        lines = operation_log.read_log(folder, operation.number)
        return progress_of(operation, records_in(_parted(lines)))
    if operation.state is OperationState.RUNNING:
        begun = (each for each in reversed(recorded) if isinstance(each, StepBegan))
        since = next((each.log_size for each in begun), 0)
        lines, _ = operation_log.read_log_since(folder, operation.number, since)
        recorded += [text for _, text in _parted(lines[-1:])]
    return progress_of(operation, recorded)


def output_since(
    operation: Operation, offset: int, *, context: AppContext
) -> tuple[list[tuple[str, str]], int]:
    """Return the log's lines from `offset` on, as (time, text), and the offset after them.

    Offsets count bytes of the file, so they are valid in every browser and after every restart.
    The lines of image layers in older logs are left out, since the steps show those layers.
    """
    folder = context.store.folder(operation.deployment_id)
    lines, end = operation_log.read_log_since(folder, operation.number, offset)
    return [(time, text) for time, text in _parted(lines) if layer_in(text) is None], end


def steps_size(operation: Operation, *, context: AppContext) -> int:
    """Return a number that grows with every recorded change of a step."""
    folder = context.store.folder(operation.deployment_id)
    return operation_log.records_size(folder, operation.number)


def _parted(lines: list[str]) -> list[tuple[str, str]]:
    return [(time, text) for time, _, text in (line.partition(" ") for line in lines)]
