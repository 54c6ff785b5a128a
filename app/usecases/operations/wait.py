"""Wait for the end of an operation. The number of waiting calls is limited."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from app.core.errors import TooManyWaiting, UserError, WasCancelled
from app.core.operations.operation import Operation, OperationState
from app.usecases.context import AppContext
from app.usecases.operations.answers import OperationShown
from app.usecases.operations.operations import failure_of, operation_of
from app.usecases.operations.start import Started

# Less than 120 s, when older scripts time out.
WAIT_SECONDS = 110.0
_PLACES = BoundedSemaphore(20)


def wait_for(started: Started, *, context: AppContext) -> Operation | None:
    """Return the operation once it has succeeded, or None after WAIT_SECONDS.

    If the operation fails, raise its kind's error with the reason. Raise WasCancelled,
    TooManyWaiting.
    """
    with waiting_place(started.operation):
        try:
            started.process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            return None
    operation = started.operation
    ended = operation_of(operation.deployment_id, operation.number, context=context)
    if ended.state is OperationState.SUCCEEDED:
        return ended
    more = {
        "operation": OperationShown.of(ended).as_json(),
        "cause": ended.code,
        "fix": ended.fix,
        "free_port": ended.free_port,
    }
    raise _error_for(ended)(failure_of(ended), extra=more)


def _error_for(ended: Operation) -> type[UserError]:
    if ended.state is OperationState.CANCELLED:
        return WasCancelled
    facts = ended.kind.facts
    return facts.timeout if ended.code == "launch_timeout" else facts.failure


@contextmanager
def waiting_place(operation: Operation) -> Iterator[None]:
    """Hold one of the limited places for waiting calls. Raise TooManyWaiting."""
    if not _PLACES.acquire(blocking=False):
        raise TooManyWaiting(
            "Twenty calls already wait for an operation. Your operation was started:"
            " check its status, or pass “wait”: false.",
            extra={"operation": OperationShown.of(operation).as_json()},
        )
    try:
        yield
    finally:
        _PLACES.release()
