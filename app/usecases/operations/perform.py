"""Perform an operation, in its own process: `app/operation.py`."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

# Loaded before any signal can cancel the operation: half loaded, it could not clean up.
import python_on_whales  # noqa: F401

from app.config import PROJECT, Settings
from app.core.diagnosis.causes import Cause
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import DEADLINE, INTERNAL_ERROR, Operation, OperationState
from app.core.secrets import Masker
from app.core.snapshot import Run
from app.engine.client import docker_environment
from app.store import history, operations
from app.store.operation_log import OperationLog
from app.store.operation_process import note_process
from app.usecases.access.allow_origin import perform_allow_origin
from app.usecases.context import AppContext, build_context
from app.usecases.lifecycle.archive import perform_archive
from app.usecases.lifecycle.launch import perform_launch, perform_restart
from app.usecases.lifecycle.stop import perform_stop
from app.usecases.operations.failures import FAILURES, OperationFailed, cause_of
from app.usecases.operations.operation_context import Cancellation, Cancelled, OperationContext
from app.usecases.settings.perform_reconfigure import kept_secrets, perform_reconfigure
from app.usecases.tokens.check import perform_equalize_token
from app.usecases.tokens.rotate import perform_rotate_token
from app.usecases.updates.perform_update import perform_update
from app.usecases.updates.state_access import COPY_SECONDS

_SPARE_SECONDS = 300

# Each function returns the run that it verified, if any.
PERFORMERS: Mapping[OperationKind, Callable[[OperationContext], Run | None]] = {
    OperationKind.LAUNCH: perform_launch,
    OperationKind.RESTART: perform_restart,
    OperationKind.STOP: perform_stop,
    OperationKind.ARCHIVE: perform_archive,
    OperationKind.ALLOW_ORIGIN: perform_allow_origin,
    OperationKind.UPDATE: perform_update,
    OperationKind.ROTATE_TOKEN: perform_rotate_token,
    OperationKind.EQUALIZE_TOKEN: perform_equalize_token,
    OperationKind.RECONFIGURE: perform_reconfigure,
}


class _DeadlinePassed(Exception):
    """The operation took longer than the sum of all its steps' limits."""


def perform_operation(folder: Path, number: int, lock: int, settings: Settings) -> None:
    """Perform one operation of the deployment in `folder`, and record how it ended.

    `lock` is the descriptor that holds the folder's lock. It is closed once the end is recorded.
    """
    context = build_context(settings)
    _clean_environment(context.address)
    # In any other working folder, Compose would look for files there and in its parents.
    os.chdir("/")
    operation = operations.read_operation(folder, number)
    if operation is None:
        sys.exit(f"{folder} has no operation {number}")
    cancellation = Cancellation(lambda: bool(operations.cancelled_by(folder, number)))
    cancellation.listen()
    with suppress(OSError):
        note_process(folder, number)
    _set_deadline(settings)
    history.source_address.set(_source(folder, number))
    ended = _perform(operation, folder, context, cancellation)
    _record_end(ended, context)
    # The outcome is recorded, so release the lock: the next operation must not wait for our exit.
    os.close(lock)


def _record_end(ended: Operation, context: AppContext) -> None:
    """Record the outcome. The folder of an archived deployment has moved into the archive."""
    folder = context.store.folder_or_archived(ended.deployment_id)
    with suppress(OSError):
        history.record(
            folder,
            f"{ended.kind} {ended.state}",
            ended.cancelled_by or ended.actor,
            operation=ended.number,
            code=ended.code,
            reason=ended.reason,
        )
    operations.end(folder, ended)


def _source(folder: Path, number: int) -> str:
    """Return the address from which the operation was requested."""
    entries = history.newest_first(folder)
    begun = next((each for each in entries if each.get("operation") == number), {})
    return str(begun.get("from", "local"))


def _clean_environment(address: str) -> None:
    """Keep only what Compose needs: our own variables would override those in `.env`."""
    environment = docker_environment(PROJECT, address)
    os.environ.clear()
    os.environ.update(environment)


def _set_deadline(settings: Settings) -> None:
    """Limit the whole operation, for unforeseen delays. Every step also has its own limit."""

    def passed(number: int, frame: FrameType | None) -> None:
        raise _DeadlinePassed

    signal.signal(signal.SIGALRM, passed)
    # An update or reconfiguration may stop and launch twice: once forward, once in a rollback.
    steps = settings.pull_timeout + 2 * (settings.launch_timeout + settings.stop_timeout)
    signal.alarm(int(steps + 2 * COPY_SECONDS) + _SPARE_SECONDS)


def _perform(
    operation: Operation, folder: Path, context: AppContext, cancellation: Cancellation
) -> Operation:
    """Perform the operation and return it as it ended."""
    deployment = context.store.load(operation.deployment_id)
    mask = Masker((*deployment.secrets, *kept_secrets(operation, folder)))
    with OperationLog(folder, operation.number, mask) as log:
        ended = _outcome(OperationContext(operation, deployment, context, log, cancellation), mask)
        log.say(f"{ended.reason} {ended.next_step}".strip() or "Done")
    return replace(ended, ended_at=datetime.now(UTC))


def _outcome(op: OperationContext, mask: Masker) -> Operation:
    operation = op.operation
    try:
        run = PERFORMERS[operation.kind](op)
        return _with_run(replace(operation, state=OperationState.SUCCEEDED), run)
    except Cancelled as cancelled:
        return _with_run(_cancelled(op, cancelled.words), cancelled.verified)
    except OperationFailed as failure:
        return _with_run(_failed(operation, failure.cause, mask), failure.verified)
    except FAILURES as error:
        return _failed(operation, cause_of(error, op), mask)
    except _DeadlinePassed:
        return _failed(
            operation, Cause(DEADLINE, "The operation took too long and was ended.", ""), mask
        )
    except Exception:  # noqa: BLE001 - nobody else could report it
        traceback.print_exc()
        cause = Cause(
            INTERNAL_ERROR, "Deploy Agent itself failed; the operation's folder has the trace.", ""
        )
        return _failed(operation, cause, mask)


def _with_run(ended: Operation, verified: Run | None) -> Operation:
    """Return the operation with the run that it verified, or else with its earlier verified run."""
    return replace(ended, verified=verified or ended.verified)


def _cancelled(op: OperationContext, undone: str) -> Operation:
    who = operations.cancelled_by(op.folder, op.operation.number)
    return replace(
        op.operation,
        state=OperationState.CANCELLED,
        code="cancelled",
        reason=f"The {op.operation.kind.noun} was cancelled by {who}. {undone}".strip(),
        cancelled_by=who,
    )


def _failed(operation: Operation, cause: Cause, mask: Masker) -> Operation:
    failed = replace(
        operation,
        state=OperationState.FAILED,
        code=cause.code,
        reason=mask(cause.words),
        next_step=mask(cause.next_step),
        # The catalog's fix commands leave a gateway running, so a stop must not offer them.
        fix="" if operation.kind.facts.stops else mask(cause.fix),
        free_port=cause.free_port,
    )
    if failed.can_be_resumed and not failed.next_step:
        return replace(failed, next_step=failed.kind.after_interruption)
    return failed
