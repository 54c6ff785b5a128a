"""The process of an operation: noted by itself, and told by others that they want its end.

A process id alone may be another's by now, so it is noted with the moment of its start,
and told through a descriptor of that very process.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

from app.store.files import Unreadable, raise_shortage, read_file, write_file
from app.store.operations import operations_folder

# Nobody else sends it: what ends a process at the host's shutdown is no cancelling.
CANCEL = signal.SIGUSR1


def note_process(folder: Path, number: int) -> None:
    """Write down this process. From then on it is told, so it listens to CANCEL already."""
    noted = f"{os.getpid()} {_started_at(os.getpid())}"
    write_file(_path(folder, number), noted.encode())


def process_of(folder: Path, number: int) -> int | None:
    """Return the process (and session) id of an operation, where it got that far."""
    noted = _noted(folder, number)
    return noted[0] if noted else None


def tell_to_cancel(folder: Path, number: int) -> None:
    """Wake an operation's process to read that it is to end.

    One that has not noted itself yet reads it after that; one that has ended needs it no more.
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
    return operations_folder(folder) / str(number) / "process"


def _noted(folder: Path, number: int) -> tuple[int, str] | None:
    try:
        pid, _, started_at = read_file(_path(folder, number)).decode().partition(" ")
        return int(pid), started_at
    except (OSError, Unreadable, ValueError) as error:
        raise_shortage(error)
        return None


def _started_at(pid: int) -> str:
    """Return when a process was started, in ticks since the host's own start; proc(5)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The second field, the command's name, may hold blanks and parentheses itself.
    return status.rpartition(")")[2].split()[19]
