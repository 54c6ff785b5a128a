"""Operations: each is a process of its own that outlives the server which started it."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import BoundedSemaphore

import psutil

from app.config import PROJECT
from app.core.deployment import Deployment
from app.core.diagnosis.causes import Cause
from app.core.errors import (
    Busy,
    DeploymentInvalid,
    NotFound,
    TooManyWaiting,
    UserError,
    WasCancelled,
)
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import NOT_STARTED, Operation, OperationState
from app.core.snapshot import Run
from app.store import history, operation_process, operations
from app.store.files import raise_shortage, storage_errors
from app.store.locks import Locked, lock_folder
from app.usecases.context import AppContext
from app.usecases.operations.answers import INTERRUPTION, OperationShown

Say = Callable[[str], None]

# Older scripts give up at 120 s.
WAIT_SECONDS = 110.0
_WAITING = BoundedSemaphore(20)
# Compose ends with its operation process within half a second.
_LEFTOVERS_SECONDS = 5.0
# From an outcome to the free lock, on a host that is busy.
_LAST_STEP_SECONDS = 5.0


class OperationFailed(Exception):
    """The operation process could not do what was asked; `cause` tells why.

    `verified` is the run that is proven all the same, after what was done is undone.
    """

    def __init__(self, cause: Cause, verified: Run | None = None) -> None:
        super().__init__(cause.sentence)
        self.cause = cause
        self.verified = verified


@dataclass(frozen=True, slots=True)
class Started:
    """An operation that was just started, and the process that does it.

    `warning` is what is to be known of it beforehand, where something is.
    """

    operation: Operation
    process: subprocess.Popen[bytes]
    warning: str = ""


def start_operation(
    kind: OperationKind,
    deployment: Deployment,
    *,
    actor: str,
    context: AppContext,
    arguments: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Started:
    """Lock the deployment, write down what is to be done, and start its process.

    `files` are for the process alone, which inherits the lock.
    Raises Busy, NotFound, DeploymentInvalid, StorageFailed.
    """
    folder = context.store.folder(deployment.id)
    lock = _lock(folder, deployment, context)
    try:
        with storage_errors(f"The {kind.noun} was not started."):
            _wait_for_leftovers(folder)
            operation = operations.begin(folder, kind, actor, arguments, files)
            _record_begin(folder, operation)
            process = _started(folder, operation, lock, context)
    finally:
        os.close(lock)

    def tell_the_end() -> None:
        process.wait()
        context.live_updates.publish()

    threading.Thread(target=tell_the_end, name=f"wait-{process.pid}", daemon=True).start()
    context.live_updates.publish()
    return Started(operation, process)


def _record_begin(folder: Path, operation: Operation) -> None:
    """Record in the history what begins; a full disk holds no stop up."""
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


def wait_for(
    started: Started,
    failure_for: Callable[[Operation], type[UserError]],
    *,
    context: AppContext,
) -> Operation | None:
    """Return how an operation ended, or None where it goes on after WAIT_SECONDS.

    Raises what `failure_for` names, with the reason, where it did not succeed;
    TooManyWaiting where all places for waiting calls are taken.
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
    kind = WasCancelled if ended.state is OperationState.CANCELLED else failure_for(ended)
    raise kind(failure_of(ended), extra=more)


@contextlib.contextmanager
def waiting_place(operation: Operation) -> Iterator[None]:
    """Take one of the places for waiting calls. Raises TooManyWaiting."""
    if not _WAITING.acquire(blocking=False):
        raise TooManyWaiting(
            "Twenty calls already wait for an operation. This one was started all the same:"
            " ask for its status, or pass “wait”: false.",
            extra={"operation": OperationShown.of(operation).as_json()},
        )
    try:
        yield
    finally:
        _WAITING.release()


def operation_of(deployment_id: str, number: int, *, context: AppContext) -> Operation:
    """Return one operation of a deployment, also of an archived one. Raises NotFound."""
    # An archive may move the folder while it is being read: then it is found at the second look.
    folders = (context.store.folder_or_archived(deployment_id) for _ in range(2))
    looks = (operations.read_operation(each, number) for each in folders)
    found = next((each for each in looks if each), None)
    if found is None:
        context.store.load(deployment_id)
        raise NotFound(f"There is no operation {number} of {deployment_id}; the last 20 are kept.")
    return replace(found, deployment_id=deployment_id)


def _lock(folder: Path, deployment: Deployment, context: AppContext) -> int:
    """Lock a folder. An operation whose outcome is written lets go of it in a moment."""
    deadline = time.monotonic() + _LAST_STEP_SECONDS
    while True:
        try:
            return lock_folder(folder)
        except Locked:
            running = context.store.load(deployment.id).running_operation
            if running or time.monotonic() > deadline:
                raise _busy(running) from None
        except FileNotFoundError:
            raise NotFound(f"The folder of {deployment.id} went away.") from None
        except OSError as error:
            raise_shortage(error)
            raise DeploymentInvalid(
                "Its folder is not ours to use:"
                f" {deployment.problem or 'it can not be opened'}. What runs can be stopped in"
                f" a terminal: docker compose -p {deployment.id} down"
            ) from None


def _busy(running: Operation | None) -> Busy:
    what = f"{_a(running.kind)} by {running.actor}" if running else "Another operation"
    return Busy(
        f"{what} is still running on this deployment. Wait for its end, then try again.",
        extra={"operation": OperationShown.of(running).as_json()} if running else None,
    )


def _a(kind: OperationKind) -> str:
    return f"{'An' if kind.noun[0] in 'aeiou' else 'A'} {kind.noun}"


def failure_of(operation: Operation) -> str:
    """Return in words why an operation did not succeed, and what to do."""
    if operation.state is OperationState.INTERRUPTED:
        return (
            f"The {operation.kind.noun} was interrupted: {INTERRUPTION}"
            f" {operation.kind.after_interruption}"
        )
    return f"{operation.reason} {operation.next_step}".strip()


def _wait_for_leftovers(folder: Path) -> None:
    """Let the last children of an operation that was killed end before another begins."""
    previous = operations.latest(folder)
    session = operation_process.process_of(folder, previous.number) if previous else None
    if previous is None or session is None or previous.ended_at is not None:
        return
    deadline = time.monotonic() + _LEFTOVERS_SECONDS
    while _session_lives(session) and time.monotonic() < deadline:
        time.sleep(0.05)


def _session_lives(session: int) -> bool:
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if os.getsid(pid) == session:
                return True
    return False


def _started(
    folder: Path, operation: Operation, lock: int, context: AppContext
) -> subprocess.Popen[bytes]:
    """Start the process; where the system refuses, the operation is over before it began."""
    try:
        return _spawn(folder, operation, lock, context)
    except OSError as error:
        reason = f"Its process could not be started: {error.strerror}."
        failed = replace(operation, state=OperationState.FAILED, code=NOT_STARTED, reason=reason)
        with contextlib.suppress(OSError):
            operations.end(folder, failed)
        raise


def _spawn(
    folder: Path, operation: Operation, lock: int, context: AppContext
) -> subprocess.Popen[bytes]:
    # Its own trace, if it ever comes to one, must outlive the server's terminal.
    trace = operations.operations_folder(folder) / str(operation.number) / "trace"
    with open(trace, "wb") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "app.operation", str(folder), str(operation.number), str(lock)],
            cwd=PROJECT,
            env={**os.environ, **context.settings.as_environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            pass_fds=[lock],
        )
