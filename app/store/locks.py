"""One operation at a time: an advisory lock on the deployment folder's own descriptor.

The descriptor is handed to the operation process, so the lock ends with that
process and with nothing else; a lock file could be left behind, this can't.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Readers look for a holder by taking the lock shared for an instant; a starter
# that meets one tries again.
_TRIES, _PAUSE = 5, 0.02


class Locked(Exception):
    """Somebody else holds the lock."""


def lock_folder(path: Path) -> int:
    """Lock a folder for one operation and return its descriptor, to be closed by the caller.

    Raises Locked, or FileNotFoundError where the folder went away or was
    replaced while we were locking it.
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
    """Say whether an operation holds the folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holders_of(path: Path) -> tuple[int, ...]:
    """Return the processes that hold a folder's lock, as far as this process may see; proc(5).

    Not the one that took it: a lock goes along with the descriptor to another process.
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
    """Hold a folder's lock for a short piece of work, after waiting for it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
