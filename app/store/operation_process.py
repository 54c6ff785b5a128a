"""The process of an operation: it records its id, so that other processes can cancel the operation.

A process id may be reused, so the record has the start time too, and signals are sent through a
pidfd.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

from app.store.file_writes import write_file
from app.store.files import Unreadable, raise_shortage, read_file
from app.store.operations import operation_folder

# Only Deploy Agent sends this signal. A host's shutdown sends other signals, which don't cancel.
CANCEL = signal.SIGUSR1


def note_process(folder: Path, number: int) -> None:
    """Record this process. Set its handler of CANCEL before this call. Raise OSError."""
    noted = f"{os.getpid()} {_started_at(os.getpid())}"
    write_file(_path(folder, number), noted.encode())


def process_of(folder: Path, number: int) -> int | None:
    """Return the process id of an operation, which is its session id too; None if not recorded."""
    noted = _noted(folder, number)
    return noted[0] if noted else None


def signal_cancel(folder: Path, number: int) -> None:
    """Signal an operation's process to check for a cancel request.

    A process that has not recorded its id yet checks later; an ended process needs no signal.
    """
    noted = _noted(folder, number)
    if noted is None:
        return
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(noted[0])
        try:
            if _started_at(noted[0]) == noted[1]:
                signal.pidfd_send_signal(descriptor, CANCEL)
        finally:
            os.close(descriptor)


def _path(folder: Path, number: int) -> Path:
    return operation_folder(folder, number) / "process"


def _noted(folder: Path, number: int) -> tuple[int, str] | None:
    try:
        pid, _, started_at = read_file(_path(folder, number)).decode().partition(" ")
        return int(pid), started_at
    except (OSError, Unreadable, ValueError) as error:
        raise_shortage(error)
        return None


def _started_at(pid: int) -> str:
    """Return a process's start time in ticks since the host's boot; proc(5)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The second field, the command's name, may contain blanks and parentheses.
    return status.rpartition(")")[2].split()[19]
