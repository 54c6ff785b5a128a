"""The log of a running operation: a line as soon as it comes, masked, after its time."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from app.core.secrets import Masker, readable
from app.core.text import lines_of
from app.store.files import open_file
from app.store.operations import log_path


class OperationLog:
    """Appends lines for whoever follows. A crash of the host may cost the last ones."""

    def __init__(self, folder: Path, number: int, mask: Masker) -> None:
        appended = open_file(log_path(folder, number), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._file = open(appended, "a", encoding="utf-8", buffering=1)  # noqa: SIM115
        self._mask = mask

    def __enter__(self) -> "OperationLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def say(self, text: str) -> None:
        """Write a text, each of its lines with the time. A full disk ends no operation."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with suppress(OSError):
            for line in lines_of(readable(text, self._mask)):
                self._file.write(f"{now} {line}\n")
