"""Batches on disk: `deployments/.deploy-agent/batches/<n>/` holds the request and the progress.

The process of a batch holds a lock on that folder. A batch is interrupted if it has recorded no
end and its lock is free.
"""

import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from app.core.operations.operation import OperationState
from app.core.updates.batch import Batch, batch_from_json, progress_to_json, request_to_json
from app.store.file_writes import move_folder, write_file
from app.store.files import AGENT_DIR, Unreadable, numbered_in, raise_shortage, read_file
from app.store.locks import is_locked, lock_folder

_KEPT = 10
_REQUEST, _PROGRESS, _CANCELLED = "batch.json", "progress.json", "cancelled-by"


def batches_folder(root: Path) -> Path:
    return root / AGENT_DIR / "batches"


def begin(
    root: Path, ids: tuple[str, ...], image: str, actor: str, source: str
) -> tuple[Batch, int]:
    """Record a new batch, and return it with the descriptor of its lock.

    The caller holds the lock of all batches, and closes the descriptor. Raise OSError.
    """
    folder = batches_folder(root)
    numbers = numbered_in(folder)
    batch = Batch(
        numbers[-1] + 1 if numbers else 1,
        ids,
        image,
        actor,
        source,
        datetime.now(UTC),
        OperationState.RUNNING,
    )
    fresh = folder / ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    write_file(fresh / _REQUEST, request_to_json(batch))
    write_file(fresh / _PROGRESS, progress_to_json(batch))
    move_folder(fresh, folder / str(batch.number))
    for old in numbers[: max(0, len(numbers) - _KEPT + 1)]:
        shutil.rmtree(folder / str(old), ignore_errors=True)
    return batch, lock_folder(folder / str(batch.number))


def note(root: Path, batch: Batch) -> None:
    """Record a batch's progress. Raise OSError."""
    write_file(batches_folder(root) / str(batch.number) / _PROGRESS, progress_to_json(batch))


def latest(root: Path) -> Batch | None:
    """Return the newest batch with its current state."""
    numbers = numbered_in(batches_folder(root))
    return read_batch(root, numbers[-1]) if numbers else None


def read_batch(root: Path, number: int) -> Batch | None:
    """Return one batch with its current state; None if missing or damaged."""
    folder = batches_folder(root) / str(number)
    try:
        alive = is_locked(folder)
        # Read after the lock check: a batch records its end before it releases the lock.
        batch = batch_from_json(number, read_file(folder / _REQUEST), read_file(folder / _PROGRESS))
    except (OSError, Unreadable, ValueError) as error:
        raise_shortage(error)
        return None
    if batch.is_running and not alive:
        batch = replace(batch, state=OperationState.INTERRUPTED)
    return replace(batch, cancelled_by=_cancelled_by(folder))


def ask_to_cancel(root: Path, number: int, actor: str) -> None:
    """Record who wants a batch to skip its remaining updates. Raise OSError."""
    write_file(batches_folder(root) / str(number) / _CANCELLED, actor.encode())


def _cancelled_by(folder: Path) -> str:
    with suppress(OSError, Unreadable):
        return read_file(folder / _CANCELLED).decode(errors="replace")
    return ""
