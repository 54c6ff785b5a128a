"""Operations on disk: `.deploy-agent/operations/<n>/` has the request, the log and the outcome."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation, OperationState
from app.core.records import as_record, read_json, record_to_json
from app.store.file_writes import move_folder, sync_folder, write_file
from app.store.files import (
    AGENT_DIR,
    Unreadable,
    agent_dir,
    numbered_in,
    raise_shortage,
    read_file,
    refuse_links,
)
from app.store.kept_files import forget_files, keep_files
from app.store.locks import is_locked

OPERATIONS = f"{AGENT_DIR}/operations"
_KEPT = 20
_REQUEST, _OUTCOME = "operation.json", "outcome.json"
_REQUEST_FIELDS = ("kind", "actor", "started_at", "verified", "arguments")
_OUTCOME_FIELDS = (
    *("state", "ended_at", "code", "reason", "next_step", "fix"),
    *("verified", "cancelled_by", "free_port"),
)
_OUTCOME_SPACE = "space-for-outcome"
_RESERVE = "space-for-a-stop"
_RESERVE_BYTES = 64 * 1024


def operations_folder(folder: Path) -> Path:
    return folder / OPERATIONS


def operation_folder(folder: Path, number: int) -> Path:
    return operations_folder(folder) / str(number)


def begin(
    folder: Path,
    kind: OperationKind,
    actor: str,
    arguments: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Operation:
    """Record an operation that is about to start. The caller holds the folder's lock.

    `files` are kept for the operation's process alone: they may hold secrets. A stop may use the
    reserved disk space, so that a gateway that has filled the disk can be stopped.
    """
    operation = _next(folder, kind, actor, arguments or {})
    try:
        _put_in_place(folder, operation, files or {})
    except OSError as error:
        if not kind.facts.runs_on_full_disk or error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        (agent_dir(folder) / _RESERVE).unlink(missing_ok=True)
        _put_in_place(folder, operation, files or {})
    for old in numbered_in(operations_folder(folder))[:-_KEPT]:
        shutil.rmtree(operation_folder(folder, old), ignore_errors=True)
    return operation


def _next(folder: Path, kind: OperationKind, actor: str, arguments: Mapping[str, str]) -> Operation:
    last = max(numbered_in(operations_folder(folder)), default=0)
    previous = read_operation(folder, last)
    return Operation(
        deployment_id=folder.name,
        number=last + 1,
        kind=kind,
        actor=actor,
        started_at=datetime.now(UTC),
        state=OperationState.RUNNING,
        # The gateway's run stays verified unless this operation changes it.
        verified=previous.verified if previous else None,
        arguments=dict(arguments),
    )


def _put_in_place(folder: Path, operation: Operation, files: Mapping[str, bytes]) -> None:
    """Create an operation's folder completely or not at all. Raise OSError."""
    agent_dir(folder)
    operations = operations_folder(folder)
    operations.mkdir(mode=0o700, exist_ok=True)
    refuse_links(operations)
    fresh = operations / ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    try:
        write_file(fresh / _REQUEST, record_to_json(operation, _REQUEST_FIELDS))
        write_file(fresh / "log", b"")
        write_file(fresh / "steps.jsonl", b"")
        keep_files(fresh, files)
        write_file(fresh / _OUTCOME_SPACE, b"." * 4096)
        move_folder(fresh, operations / str(operation.number))
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def end(folder: Path, operation: Operation) -> None:
    """Record an operation's outcome, which ends the operation.

    Delete the kept files of all operations, except its own if it can be resumed.
    """
    ended = replace(operation, ended_at=operation.ended_at or datetime.now(UTC))
    own = operation_folder(folder, operation.number)
    # On a full disk the outcome uses this space.
    (own / _OUTCOME_SPACE).unlink(missing_ok=True)
    write_file(own / _OUTCOME, record_to_json(ended, _OUTCOME_FIELDS))
    with suppress(OSError):
        for number in numbered_in(operations_folder(folder)):
            if number != operation.number or not operation.can_be_resumed:
                forget_files(operation_folder(folder, number))
    with suppress(OSError):
        reserve_space(folder)


def reserve_space(folder: Path) -> None:
    """Reserve the disk space that a stop needs for its records. Raise OSError."""
    reserve = agent_dir(folder) / _RESERVE
    if not reserve.exists():
        write_file(reserve, b"." * _RESERVE_BYTES)


def latest(folder: Path) -> Operation | None:
    """Return the newest operation of a deployment with its current state."""
    numbers = numbered_in(operations_folder(folder))
    return read_operation(folder, numbers[-1]) if numbers else None


def latest_launch_or_stop(folder: Path) -> Operation | None:
    """Return the newest operation that decides whether there should be a container."""
    return next((each for each in _newest_first(folder) if each.decides_whether_up), None)


def list_operations(folder: Path) -> list[Operation]:
    """Return the recorded operations, the newest first."""
    return list(_newest_first(folder))


def read_operation(folder: Path, number: int) -> Operation | None:
    """Return one operation with its current state; None if missing or damaged."""
    begun = _begun(folder, number)
    if begun is None:
        return None
    ended = _ended(folder, begun)
    try:
        under_way = ended is None and is_locked(folder) and _is_newest(folder, number)
    except FileNotFoundError:
        # The folder was archived or deleted during this call.
        return None
    if under_way:
        return replace(begun, cancelled_by=cancelled_by(folder, number))
    # A process writes the outcome before it releases the lock. If the lock is free and there is
    # no outcome, the process died.
    return ended or _ended(folder, begun) or replace(begun, state=OperationState.INTERRUPTED)


def ask_to_cancel(folder: Path, number: int, actor: str) -> str:
    """Record who wants to cancel an operation; return who requested that first. Raise OSError."""
    asked = _cancel_path(folder, number)
    mine = asked.with_name(f".cancelled-by.{uuid4().hex}")
    write_file(mine, actor.encode())
    try:
        with suppress(FileExistsError):
            os.link(mine, asked)
    finally:
        mine.unlink()
    sync_folder(asked.parent)
    return cancelled_by(folder, number)


def cancelled_by(folder: Path, number: int) -> str:
    """Return who first wanted to cancel an operation, or an empty string."""
    try:
        return read_file(_cancel_path(folder, number)).decode(errors="replace")
    except (OSError, Unreadable):
        return ""


def _cancel_path(folder: Path, number: int) -> Path:
    return operation_folder(folder, number) / "cancelled-by"


def _newest_first(folder: Path) -> Iterator[Operation]:
    for number in reversed(numbered_in(operations_folder(folder))[-_KEPT:]):
        if operation := read_operation(folder, number):
            yield operation


def _is_newest(folder: Path, number: int) -> bool:
    return numbered_in(operations_folder(folder))[-1:] == [number]


def _begun(folder: Path, number: int) -> Operation | None:
    request = _read(operation_folder(folder, number) / _REQUEST, _REQUEST_FIELDS)
    return _operation(
        **request, deployment_id=folder.name, number=number, state=OperationState.RUNNING
    )


def _ended(folder: Path, begun: Operation) -> Operation | None:
    outcome = _read(operation_folder(folder, begun.number) / _OUTCOME, _OUTCOME_FIELDS)
    if not outcome.get("ended_at"):
        return None
    return _operation(**{**asdict(begun), "state": None, **outcome})


def _operation(**values: Any) -> Operation | None:
    with suppress(ValueError):
        return as_record(Operation, values)
    return None


def _read(path: Path, fields: Iterable[str]) -> dict[str, Any]:
    """Return the known fields of a record; empty if it is missing or damaged."""
    try:
        value = read_json(read_file(path))
    except (OSError, Unreadable, ValueError) as error:
        raise_shortage(error)
        return {}
    return (
        {name: value[name] for name in fields if name in value} if isinstance(value, dict) else {}
    )
