"""The log of an operation for people, and `steps.jsonl` with the progress for programs."""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic_core import to_json

from app.core.operations.layers import Layer
from app.core.operations.progress import Record, StepBegan
from app.core.operations.steps import Step
from app.core.records import read_record
from app.core.secrets import Masker, readable
from app.core.text import lines_of
from app.store.files import open_file
from app.store.operations import operation_folder

# At most this many bytes of a log are read: a page shows the beginning of a longer log.
_READ_BYTES = 1024 * 1024
# A larger file records only steps, and no more progress of pulls.
_LAYERS_BYTES = 512 * 1024
_RECORD: Any = StepBegan | Layer


def log_path(folder: Path, number: int) -> Path:
    return operation_folder(folder, number) / "log"


def steps_path(folder: Path, number: int) -> Path:
    return operation_folder(folder, number) / "steps.jsonl"


class OperationLog:
    """Appends to the log and to the records of steps, line by line.

    Write errors are ignored: a full disk must not fail the operation. A crash of the host may lose
    the last lines.
    """

    def __init__(self, folder: Path, number: int, mask: Masker) -> None:
        self._log = _appended(log_path(folder, number))
        self._steps = _appended(steps_path(folder, number))
        self._masks = [mask]

    def __enter__(self) -> "OperationLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in (self._log, self._steps):
            # Closing retries lines that a full disk refused, and may fail again.
            with suppress(OSError):
                each.close()

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these secrets too, from now on."""
        self._masks.insert(0, Masker(secrets))

    def say(self, text: str) -> None:
        """Write a masked text; the time begins each line."""
        for mask in self._masks[:-1]:
            text = mask(text)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with suppress(OSError):
            for line in lines_of(readable(text, self._masks[-1])):
                self._log.write(f"{now} {line}\n")

    def step(self, step: Step, words: str) -> None:
        """Log a text and record that a step began."""
        at = datetime.now(UTC)
        self.say(words)
        with suppress(OSError):
            self._record(StepBegan(step, at, os.fstat(self._log.fileno()).st_size))

    def layer(self, layer: Layer) -> None:
        """Record the progress of an image's layer."""
        with suppress(OSError):
            if os.fstat(self._steps.fileno()).st_size < _LAYERS_BYTES:
                self._record(layer)

    def _record(self, record: StepBegan | Layer) -> None:
        self._steps.write(to_json(record).decode() + "\n")


def _appended(path: Path) -> Any:
    descriptor = open_file(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return open(descriptor, "a", encoding="utf-8", buffering=1)


def read_log(folder: Path, number: int) -> list[str]:
    """Return an operation's log lines, `<UTC time> <text>` each."""
    return read_log_since(folder, number, 0)[0]


def read_log_since(folder: Path, number: int, offset: int) -> tuple[list[str], int]:
    """Return the complete lines from `offset` on, and the offset for the next call.

    A line that is still being written is left for the next call.
    """
    data = _read(log_path(folder, number), offset) or b""
    whole = data[: data.rfind(b"\n") + 1]
    return whole.decode(errors="replace").split("\n")[:-1], offset + len(whole)


def read_records(folder: Path, number: int) -> list[Record] | None:
    """Return an operation's progress records; damaged records are skipped.

    Return None for an operation of an older version, which recorded nothing.
    """
    data = _read(steps_path(folder, number), 0)
    if data is None:
        return None
    found: list[Record] = []
    for line in data.splitlines():
        with suppress(ValueError):
            found.append(read_record(_RECORD, line))
    return found


def records_size(folder: Path, number: int) -> int:
    """Return the size of an operation's progress records in bytes."""
    with suppress(OSError):
        return steps_path(folder, number).stat(follow_symlinks=False).st_size
    return 0


def _read(path: Path, offset: int) -> bytes | None:
    try:
        with open(open_file(path), "rb") as file:
            file.seek(offset)
            return file.read(_READ_BYTES)
    except OSError:
        return None
