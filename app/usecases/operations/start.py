"""Start an operation: lock the deployment, record the request, start the process."""

import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from app.core.deployment import Deployment
from app.core.errors import Busy, DeploymentInvalid, NotFound, RequestedTwice
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import NOT_STARTED, Operation, OperationState
from app.store import history, operation_process, operations
from app.store.files import raise_shortage
from app.store.locks import Locked, lock_folder
from app.store.storage_errors import storage_errors
from app.usecases.context import AppContext
from app.usecases.operations.answers import OperationShown
from app.usecases.operations.process import spawn

# Seconds to wait for Compose, which ends within 0.5 s after its operation's process.
_LEFTOVERS_SECONDS = 5.0
# Seconds from a recorded outcome to the release of the lock, on a busy host.
_LAST_STEP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Started:
    """An operation that was just started, with its process and a warning, if any."""

    operation: Operation
    process: subprocess.Popen[bytes]
    warning: str = ""


def require_engine(deployment_id: str, context: AppContext) -> None:
    """Raise EngineError if the engine does not answer, so that no operation is begun."""
    context.containers.of(deployment_id)


def start_operation(
    kind: OperationKind,
    deployment: Deployment,
    *,
    actor: str,
    context: AppContext,
    arguments: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Started:
    """Start an operation on a deployment. The operation's process does not depend on ours.

    `files` are readable by that process alone, since they may hold secrets. Raise Busy, NotFound,
    DeploymentInvalid, StorageFailed.
    """
    folder = context.store.folder(deployment.id)
    lock = _lock(folder, deployment, kind, actor, context)
    try:
        with storage_errors(f"The {kind.noun} was not started."):
            _wait_for_leftovers(folder)
            operation = operations.begin(folder, kind, actor, arguments, files)
            _record_begin(folder, operation)
            process = _start_process(folder, operation, lock, context)
    finally:
        os.close(lock)
    return Started(operation, process)


def _record_begin(folder: Path, operation: Operation) -> None:
    """Record the beginning in the history; a full disk must not prevent a stop."""
    try:
        history.record(
            folder,
            operation.kind,
            operation.actor,
            operation=operation.number,
            **({"arguments": operation.arguments} if operation.arguments else {}),
        )
    except OSError:
        if not operation.kind.facts.runs_on_full_disk:
            raise


def _lock(
    folder: Path, deployment: Deployment, kind: OperationKind, actor: str, context: AppContext
) -> int:
    """Lock a folder; wait a moment if the running operation has recorded its outcome already."""
    deadline = time.monotonic() + _LAST_STEP_SECONDS
    while True:
        try:
            return lock_folder(folder)
        except Locked:
            running = context.store.load(deployment.id).running_operation
            if running or time.monotonic() > deadline:
                raise _busy(running, kind, actor) from None
        except FileNotFoundError:
            raise NotFound(f"The folder of {deployment.id} no longer exists.") from None
        except OSError as error:
            raise_shortage(error)
            raise DeploymentInvalid(
                "Deploy Agent can't use the deployment's folder:"
                f" {deployment.problem or 'the folder can not be opened'}. To stop the"
                f" containers by hand: docker compose -p {deployment.id} down"
            ) from None


def _busy(running: Operation | None, kind: OperationKind, actor: str) -> Busy:
    again = running is not None and (running.kind, running.actor) == (kind, actor)
    error = RequestedTwice if again else Busy
    what = f"{_a(running.kind.noun)} by {running.actor}" if running else "Another operation"
    return error(
        f"{what} is still running on this deployment. Wait for its end, then try again.",
        extra={"operation": OperationShown.of(running).as_json()} if running else None,
    )


def _a(noun: str) -> str:
    return f"{'An' if noun[0] in 'aeiou' else 'A'} {noun}"


def _wait_for_leftovers(folder: Path) -> None:
    """Wait until the child processes of a killed operation have ended."""
    previous = operations.latest(folder)
    session = operation_process.process_of(folder, previous.number) if previous else None
    if previous is None or session is None or previous.ended_at is not None:
        return
    deadline = time.monotonic() + _LEFTOVERS_SECONDS
    while _session_lives(session) and time.monotonic() < deadline:
        time.sleep(0.05)


def _session_lives(session: int) -> bool:
    for pid in psutil.pids():
        with suppress(OSError):
            if os.getsid(pid) == session:
                return True
    return False


def _start_process(
    folder: Path, operation: Operation, lock: int, context: AppContext
) -> subprocess.Popen[bytes]:
    """Start the process; if the system refuses, record the operation as failed."""
    number = operation.number
    trace = operations.operation_folder(folder, number) / "trace"
    try:
        return spawn(
            "app.operation", str(folder), str(number), lock=lock, trace=trace, context=context
        )
    except OSError as error:
        reason = f"The operation's process could not be started: {error.strerror}."
        failed = replace(operation, state=OperationState.FAILED, code=NOT_STARTED, reason=reason)
        with suppress(OSError):
            operations.end(folder, failed)
        raise
