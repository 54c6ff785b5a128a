"""Causes and fixes for errors of the file system, as text for people."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.diagnosis.causes import Cause
from app.core.errors import StorageFailed


@contextmanager
def storage_errors(undone: str) -> Iterator[None]:
    """Turn an OSError into StorageFailed; `undone` is a sentence that says what did not happen."""
    try:
        yield
    except OSError as error:
        cause = storage_cause(error)
        detail = f"{undone} {cause.sentence} Nothing was changed."
        raise StorageFailed(detail, extra={"cause": cause.code}) from error


def storage_cause(error: OSError) -> Cause:
    code = error.errno or 0
    said = Cause("storage_failed", f"The system said: {os.strerror(code)}.", "")
    return _CAUSES.get(code, said)


def write_problem(folder: Path) -> str:
    """Return why a folder is not writable, empty if writable. The check writes nothing."""
    try:
        disk = os.statvfs(folder)
    except OSError as error:
        return storage_cause(error).sentence
    if disk.f_flag & os.ST_RDONLY:
        return _CAUSES[errno.EROFS].sentence
    if not os.access(folder, os.W_OK | os.X_OK):
        return _CAUSES[errno.EACCES].sentence
    full = disk.f_bavail == 0 or (disk.f_files > 0 and disk.f_favail == 0)
    return _CAUSES[errno.ENOSPC].sentence if full else ""


_IN_THE_WAY = "Move it away, then try again."
_UNMOUNT = "Remove the mount, then try again."
_LATER = "Try again in a moment."
_CAUSES = {
    errno.ENOSPC: Cause("disk_full", "The disk is full.", "Make room, then try again."),
    errno.EDQUOT: Cause(
        "quota_used_up", "The disk quota is used up.", "Make room, then try again."
    ),
    errno.EROFS: Cause(
        "read_only", "The deployments folder is read-only.", "Mount it writable, then try again."
    ),
    errno.EACCES: Cause(
        "not_writable",
        "This server's user may not write to that folder.",
        "Give the user access to the deployments folder, then try again.",
    ),
    errno.EPERM: Cause(
        "not_writable",
        "This server's user lacks the permission for this change.",
        "Give the user access to the deployments folder, then try again.",
    ),
    errno.ELOOP: Cause(
        "in_the_way",
        "A link is in the place of a file or folder; links are not followed.",
        _IN_THE_WAY,
    ),
    errno.ENXIO: Cause(
        "in_the_way", "A pipe, a socket or a device is in the place of a file.", _IN_THE_WAY
    ),
    errno.EISDIR: Cause("in_the_way", "A folder is in the place of a file.", _IN_THE_WAY),
    errno.EEXIST: Cause("in_the_way", "Something else is in the place of a folder.", _IN_THE_WAY),
    errno.ENOTDIR: Cause(
        "in_the_way",
        "A link or a file is in the place of a folder; links are not followed.",
        _IN_THE_WAY,
    ),
    errno.EBUSY: Cause("mounted", "Something is mounted on that path.", _UNMOUNT),
    errno.EXDEV: Cause("mounted", "That path is on another disk.", _UNMOUNT),
    errno.EMFILE: Cause("out_of_files", "The server has too many open files.", _LATER),
    errno.ENFILE: Cause("out_of_files", "This host has too many open files.", _LATER),
}
