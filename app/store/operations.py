"""Operations on disk: `.deploy-agent/operations/<n>/` with what was asked, the log, the outcome."""

import errno
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation, OperationState
from app.core.records import parse_moment, read_json
from app.core.snapshot import Run
from app.store.files import (
    Unreadable,
    move_folder,
    raise_shortage,
    read_file,
    refuse_links,
    sync_folder,
    write_file,
)
from app.store.history import AGENT_DIR, agent_dir
from app.store.locks import is_locked

OPERATIONS = f"{AGENT_DIR}/operations"
_KEPT = 20
_KEPT_FILE = ".kept"
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
    """Write down what is about to be done. The caller holds the folder's lock.

    `files` are what it works on and nobody is shown: they may hold secrets. A stop may
    use what was set aside on the disk: a gateway that has filled it must not be unstoppable.
    """
    try:
        return _begin(folder, kind, actor, arguments or {}, files or {})
    except OSError as error:
        if not kind.facts.runs_on_full_disk or error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        (agent_dir(folder) / _RESERVE).unlink(missing_ok=True)
        return _begin(folder, kind, actor, arguments or {}, files or {})


def _begin(
    folder: Path,
    kind: OperationKind,
    actor: str,
    arguments: Mapping[str, str],
    files: Mapping[str, bytes],
) -> Operation:
    operations = operations_folder(folder)
    agent_dir(folder)
    operations.mkdir(mode=0o700, exist_ok=True)
    refuse_links(operations)
    numbers = _numbers(operations)
    number = numbers[-1] + 1 if numbers else 1
    before = read_operation(folder, numbers[-1]) if numbers else None
    operation = Operation(
        deployment_id=folder.name,
        number=number,
        kind=kind,
        actor=actor,
        started_at=datetime.now(UTC),
        state=OperationState.RUNNING,
        # An operation that leaves the gateway's run alone leaves it proven too.
        verified=before.verified if before else None,
        arguments=dict(arguments),
    )
    _put_in_place(operations, operation, files)
    for old in numbers[: max(0, len(numbers) - _KEPT + 1)]:
        shutil.rmtree(operations / str(old), ignore_errors=True)
    return operation


def _put_in_place(operations: Path, operation: Operation, files: Mapping[str, bytes]) -> None:
    """Make an operation's folder, whole or not at all. Raises OSError."""
    fresh = operations / ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    begun = {
        "kind": operation.kind,
        "actor": operation.actor,
        "started_at": operation.started_at.isoformat(),
        "verified": _run_to_json(operation.verified),
        "arguments": operation.arguments,
    }
    try:
        write_file(fresh / "operation.json", json.dumps(begun).encode())
        write_file(fresh / "log", b"")
        write_file(fresh / "steps.jsonl", b"")
        for name, data in files.items():
            write_file(fresh / f"{name}{_KEPT_FILE}", data)
        write_file(fresh / _OUTCOME_SPACE, b"." * 4096)
        move_folder(fresh, operations / str(operation.number))
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def end(folder: Path, operation: Operation) -> None:
    """Write down how an operation ended; from then on it counts as over.

    What it has kept is deleted then, unless it can be resumed, and what those before it have.
    """
    outcome: dict[str, Any] = {
        "state": operation.state,
        "ended_at": (operation.ended_at or datetime.now(UTC)).isoformat(),
        "code": operation.code,
        "reason": operation.reason,
        "next_step": operation.next_step,
        "fix": operation.fix,
        "verified": _run_to_json(operation.verified),
        "cancelled_by": operation.cancelled_by,
        "free_port": operation.free_port,
    }
    own = operation_folder(folder, operation.number)
    # On a full disk the outcome takes the place that was kept for it.
    (own / _OUTCOME_SPACE).unlink(missing_ok=True)
    write_file(own / "outcome.json", json.dumps(outcome).encode())
    with suppress(OSError):
        _forget_files(folder, but_of=operation.number if operation.can_be_resumed else None)
    with suppress(OSError):
        reserve_space(folder)


def keep_file(folder: Path, number: int, name: str, data: bytes) -> None:
    """Keep a file in an operation's folder, for whoever has to finish or undo its work."""
    write_file(operation_folder(folder, number) / f"{name}{_KEPT_FILE}", data)


def kept_file(folder: Path, number: int, name: str) -> bytes | None:
    """Return a file that an operation has kept, or None. Raises OSError, Unreadable."""
    try:
        return read_file(operation_folder(folder, number) / f"{name}{_KEPT_FILE}")
    except FileNotFoundError:
        return None


def kept_files(folder: Path, number: int) -> dict[str, bytes]:
    """Return all that an operation has kept, by name. Raises OSError, Unreadable."""
    found = _kept_in(operation_folder(folder, number))
    return {each.name.removesuffix(_KEPT_FILE): read_file(each) for each in found}


def _forget_files(folder: Path, but_of: int | None) -> None:
    """Delete what operations have kept: nobody needs it any more, and it holds secrets."""
    operations = operations_folder(folder)
    for number in _numbers(operations):
        if number == but_of:
            continue
        for each in _kept_in(operations / str(number)):
            each.unlink(missing_ok=True)


def _kept_in(own: Path) -> list[Path]:
    refuse_links(own)
    return list(own.glob(f"*{_KEPT_FILE}"))


def reserve_space(folder: Path) -> None:
    """Set aside on the disk what a stop must be able to write down."""
    reserve = agent_dir(folder) / _RESERVE
    if not reserve.exists():
        write_file(reserve, b"." * _RESERVE_BYTES)


def latest(folder: Path) -> Operation | None:
    """Return the newest operation of a deployment, with its state as it is now."""
    numbers = _numbers(operations_folder(folder))
    return read_operation(folder, numbers[-1]) if numbers else None


def latest_launch_or_stop(folder: Path) -> Operation | None:
    """Return the newest operation that made or removed containers."""
    found = (read_operation(folder, each) for each in _kept_numbers(folder))
    return next((each for each in found if each and each.decides_whether_up), None)


def read_operation(folder: Path, number: int) -> Operation | None:
    """Return one operation, or None where there is none of that number."""
    begun = _begun(folder, number)
    if begun is None:
        return None
    ended = _ended(folder, begun)
    try:
        under_way = ended is None and is_locked(folder) and _is_newest(folder, number)
    except FileNotFoundError:
        # The folder went into the archive, or away, while it was being read.
        return None
    if under_way:
        return replace(begun, cancelled_by=cancelled_by(folder, number))
    # The outcome is written before the lock is let go: looked for once more, it
    # is there, unless the process died.
    return ended or _ended(folder, begun) or replace(begun, state=OperationState.INTERRUPTED)


def ask_to_cancel(folder: Path, number: int, actor: str) -> str:
    """Write down who wants an operation to end, and return who asked first."""
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
    """Return who has asked for an operation's end, or nothing."""
    try:
        return read_file(_cancel_path(folder, number)).decode(errors="replace")
    except (OSError, Unreadable):
        return ""


def _cancel_path(folder: Path, number: int) -> Path:
    return operation_folder(folder, number) / "cancelled-by"


def list_operations(folder: Path) -> list[Operation]:
    """Return the operations that are kept, the newest first."""
    found = (read_operation(folder, each) for each in _kept_numbers(folder))
    return [each for each in found if each]


def _numbers(operations: Path) -> list[int]:
    try:
        refuse_links(operations)
        names = os.listdir(operations)
    except OSError as error:
        raise_shortage(error)
        return []
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal())


def _kept_numbers(folder: Path) -> list[int]:
    """Return the operations that are kept, the newest first; whatever else is there is none."""
    return _numbers(operations_folder(folder))[: -_KEPT - 1 : -1]


def _is_newest(folder: Path, number: int) -> bool:
    return _numbers(operations_folder(folder))[-1:] == [number]


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = read_json(read_file(path))
    except (OSError, Unreadable, ValueError) as error:
        raise_shortage(error)
        return None
    return value if isinstance(value, dict) else None


def _begun(folder: Path, number: int) -> Operation | None:
    begun = _read_json(operation_folder(folder, number) / "operation.json")
    if begun is None:
        return None
    with suppress(KeyError, ValueError, TypeError, AttributeError):
        return Operation(
            deployment_id=folder.name,
            number=number,
            kind=OperationKind(begun["kind"]),
            actor=str(begun["actor"]),
            started_at=parse_moment(begun["started_at"]),
            state=OperationState.RUNNING,
            verified=_run_from_json(begun["verified"]),
            arguments={key: str(value) for key, value in begun.get("arguments", {}).items()},
        )
    return None


def _ended(folder: Path, begun: Operation) -> Operation | None:
    outcome = _read_json(operation_folder(folder, begun.number) / "outcome.json")
    if outcome is None:
        return None
    with suppress(KeyError, ValueError, TypeError):
        return replace(
            begun,
            state=OperationState(outcome["state"]),
            ended_at=parse_moment(outcome["ended_at"]),
            code=str(outcome["code"]),
            reason=str(outcome["reason"]),
            next_step=str(outcome["next_step"]),
            fix=str(outcome.get("fix", "")),
            verified=_run_from_json(outcome["verified"]),
            cancelled_by=str(outcome.get("cancelled_by", "")),
            free_port=_number(outcome.get("free_port")),
        )
    return None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _run_to_json(run: Run | None) -> dict[str, str] | None:
    return {"container_id": run.container_id, "started_at": run.started_at} if run else None


def _run_from_json(run: dict[str, str] | None) -> Run | None:
    return Run(str(run["container_id"]), str(run["started_at"])) if run else None
