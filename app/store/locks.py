"""One operation at a time: an advisory lock on the deployment folder's own descriptor.

The operation process inherits the descriptor, so the lock ends exactly when that process does.
A lock file could be left behind; this lock can't.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Retries, because `is_locked` holds a shared lock for an instant.
_TRIES, _PAUSE = 5, 0.02


class Locked(Exception):
    """Another operation holds the lock."""


def lock_folder(path: Path) -> int:
    """Lock a folder for one operation and return the descriptor, which the caller closes.

    Raise Locked; FileNotFoundError if the folder is missing or was replaced during the call.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _take(descriptor)
        there, held = os.stat(path, follow_symlinks=False), os.fstat(descriptor)
        if (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino):
            raise FileNotFoundError(path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _take(descriptor: int) -> None:
    for _ in range(_TRIES):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
    raise Locked


def is_locked(path: Path) -> bool:
    """Say whether an operation holds the folder's lock."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holders_of(path: Path) -> tuple[int, ...]:
    """Return the ids of the processes that hold a folder's lock, as far as /proc shows them.

    A lock belongs to a descriptor, so a child that inherited the descriptor holds the lock too.
    """
    status = os.stat(path, follow_symlinks=False)
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    found = set()
    for each in Path("/proc").glob("[0-9]*/fdinfo/*"):
        with suppress(OSError):
            text = each.read_text()
            if any("FLOCK" in line and f" {device} " in line for line in text.splitlines()):
                found.add(int(each.parts[2]))
    return tuple(sorted(found))


@contextmanager
def waiting_for(path: Path) -> Iterator[None]:
    """Wait for a folder's lock, and hold it for a short piece of work."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
