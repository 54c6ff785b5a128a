"""The process of an operation: it records itself, so that others can ask it to end.

A process id may be reused, so the record has the start time too, and signals go through a
descriptor of that very process.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

from app.store.file_writes import write_file
from app.store.files import Unreadable, raise_shortage, read_file
from app.store.operations import operation_folder

# Nobody else sends this signal: those that end processes when the host shuts down don't cancel.
CANCEL = signal.SIGUSR1


def note_process(folder: Path, number: int) -> None:
    """Record this process, which handles CANCEL already. Raise OSError."""
    noted = f"{os.getpid()} {_started_at(os.getpid())}"
    write_file(_path(folder, number), noted.encode())


def process_of(folder: Path, number: int) -> int | None:
    """Return the process (and session) id of an operation, if it is recorded."""
    noted = _noted(folder, number)
    return noted[0] if noted else None


def signal_cancel(folder: Path, number: int) -> None:
    """Signal an operation's process to look for a request to cancel.

    A process that has not recorded itself yet looks for one later; one that has ended needs
    none.
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
