"""Reading files: bounded, and never through a link, a pipe or a device."""

import errno
import os
import stat
from pathlib import Path

from app.core.deployment import is_id

# Deploy Agent's own part of the deployments folder, and of each deployment's folder.
AGENT_DIR = ".deploy-agent"
# No configuration file comes near this size.
MAX_BYTES = 1024 * 1024

# Errors of the system, which say nothing about the file.
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Unreadable(Exception):
    """A file that is not there, not ours to read, or no ordinary file; the message says which."""


def read_file(path: Path, limit: int = MAX_BYTES) -> bytes:
    """Return an ordinary file's bytes; links, pipes and devices are neither followed nor waited on.

    Raises Unreadable, FileNotFoundError where there is none, and OSError where nothing can
    be opened just now.
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
    """Raise an error again that tells of the system and not of the file.

    Whoever takes what can't be read for absent asks this first: else a server that is out of
    descriptors would call a deployment damaged, or begin a count anew.
    """
    if isinstance(error, OSError) and error.errno in _SHORTAGES:
        raise error


_UNREADABLE = {
    errno.ELOOP: "is a link, which is not followed",
    errno.ENXIO: "is no ordinary file",
}


def open_file(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open an ordinary file and return its descriptor, which the caller closes.

    Raises OSError: ELOOP for a link, ENXIO for a pipe, a socket, a device or a folder.
    """
    refuse_links(path.parent)
    # Without O_NONBLOCK a pipe in place of the file would hold the caller for ever.
    flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO), str(path))
    return descriptor


def refuse_links(folder: Path) -> None:
    """Raise OSError where a folder is a link, or one above it: up to a deployment's own folder,
    or to the part that is ours for all."""
    names = os.fspath(folder).split("/")
    for last in range(_own(names), len(names)):
        if os.path.islink(path := "/".join(names[: last + 1])):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _own(names: list[str]) -> int:
    """Return where among the names of a path that begins: its end where nothing of it is ours."""
    if AGENT_DIR in names:
        ours = len(names) - 1 - names[::-1].index(AGENT_DIR)
        return ours - is_id(names[ours - 1])
    # What is read of the rest of a deployment stands in its folder, or in one of that.
    found = (place for place in (len(names) - 1, len(names) - 2) if is_id(names[place]))
    return next(found, len(names))


def agent_dir(folder: Path) -> Path:
    """Return Deploy Agent's own part of a folder; create it if it is missing. Raises OSError."""
    path = folder / AGENT_DIR
    path.mkdir(mode=0o700, exist_ok=True)
    refuse_links(path)
    return path
