"""Read files up to a size limit, and never through a link, a pipe or a device."""

import errno
import os
import stat
from pathlib import Path

from app.core.deployment import is_id

# The name of Deploy Agent's own subfolder, in the deployments folder and in each deployment's.
AGENT_DIR = ".deploy-agent"
# No configuration file comes near this size.
MAX_BYTES = 1024 * 1024

# Shortages of the whole system, which say nothing about the file.
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Unreadable(Exception):
    """The file can't be read or is no ordinary file. The message follows the file's name."""


def read_file(path: Path, limit: int = MAX_BYTES) -> bytes:
    """Return the bytes of an ordinary file; links are not followed, and pipes never block.

    Raises Unreadable; FileNotFoundError; OSError if the system is short of resources.
    """
    try:
        descriptor = open_file(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise_shortage(error)
        said = f"can't be read: {os.strerror(error.errno or 0)}"
        raise Unreadable(_UNREADABLE.get(error.errno or 0, said)) from None
    with open(descriptor, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise Unreadable(f"is larger than {limit // 1024} KiB")
    return data


def raise_shortage(error: BaseException) -> None:
    """Raise the error again if the system is short of resources.

    Call this before treating an unreadable file as missing. Otherwise a server that is out of file
    descriptors would call a deployment damaged, or start counting at 1 again.
    """
    if isinstance(error, OSError) and error.errno in _SHORTAGES:
        raise error


_UNREADABLE = {errno.ELOOP: "is a link, which is not followed", errno.ENXIO: "is no ordinary file"}


def open_file(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open an ordinary file and return its descriptor; the caller closes it.

    Raises OSError: ELOOP for a link, ENXIO for a pipe, a socket, a device or a folder.
    """
    refuse_links(path.parent)
    # Without O_NONBLOCK, a pipe in place of the file would block the caller forever.
    flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO), str(path))
    return descriptor


def refuse_links(folder: Path) -> None:
    """Raise OSError if a folder or one of its parents is a link.

    Parents are checked up to the deployment's folder, or to Deploy Agent's part of the root.
    """
    names = os.fspath(folder).split("/")
    for last in range(_first_checked(names), len(names)):
        if os.path.islink(path := "/".join(names[: last + 1])):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _first_checked(names: list[str]) -> int:
    """Return the index of the first path component to check; `len(names)` if there is none."""
    if AGENT_DIR in names:
        ours = len(names) - 1 - names[::-1].index(AGENT_DIR)
        return ours - is_id(names[ours - 1])
    # All other files of a deployment are in its folder or one level below.
    found = (place for place in (len(names) - 1, len(names) - 2) if is_id(names[place]))
    return next(found, len(names))


def numbered_in(folder: Path) -> list[int]:
    """Return the numeric names in a folder, as sorted integers."""
    try:
        refuse_links(folder)
        names = os.listdir(folder)
    except OSError as error:
        raise_shortage(error)
        return []
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal())


def agent_dir(folder: Path) -> Path:
    """Return Deploy Agent's own part of a folder; create it if it is missing. Raises OSError."""
    path = folder / AGENT_DIR
    path.mkdir(mode=0o700, exist_ok=True)
    refuse_links(path)
    return path
