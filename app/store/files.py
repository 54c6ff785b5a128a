"""Files that are whole or absent: bounded reads, atomic writes, synced folders."""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from app.core.deployment import is_id
from app.core.diagnosis.causes import Cause
from app.core.errors import StorageFailed

# The part of the deployments folder, and of each deployment's, that is ours.
AGENT_DIR = ".deploy-agent"
# No file of ours or of a person's hand comes near; a larger one is no configuration.
MAX_BYTES = 1024 * 1024

# The system refused for want of what comes back: it says nothing of the file.
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Unreadable(Exception):
    """A file that is not there, not ours to read, or no ordinary file; the message says which."""


class Edited(Exception):
    """Somebody has written into a file since it was read, so it stays as it is now."""


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


def write_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put `data` at `path` so that after any crash the old or the new file is there, whole.

    The order is the guarantee: file sync, rename, folder sync. An existing
    file's own mode and owner stay, whatever `mode` says.
    """
    with _written(path, data, mode) as (new, parent):
        os.replace(new, path)
        os.fsync(parent)


def rewrite_files(changes: Mapping[Path, tuple[bytes, bytes]]) -> None:
    """Give files what they are to be instead of what they were read as: all of them, or none.

    What needs room on the disk is done for all before the first gets its place.
    Raises Edited where somebody has written into one since it was read, OSError.
    """
    with ExitStack() as done:
        written = [
            done.enter_context(_written(path, after)) for path, (_, after) in changes.items()
        ]
        for (new, parent), (path, (before, after)) in zip(written, changes.items(), strict=True):
            done.enter_context(_in_place_of(path, before, after, new, parent))


@contextmanager
def _written(path: Path, data: bytes, mode: int = 0o600) -> Iterator[tuple[Path, int]]:
    """Give a new file beside `path`, synced, and the descriptor of their folder."""
    refuse_links(path.parent)
    owner: tuple[int, int] | None = None
    with suppress(FileNotFoundError):
        before = path.lstat()
        if stat.S_ISREG(before.st_mode):
            mode, owner = stat.S_IMODE(before.st_mode), (before.st_uid, before.st_gid)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    # Opened before: once the new file is there, no want of a descriptor may call it unwritten.
    parent = os.open(path.parent, _FOLDER)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with suppress(FileNotFoundError):
            new.unlink()
        with open(os.open(new, flags, 0o600), "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            if owner is not None and owner != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), *owner)
            file.flush()
            os.fsync(file.fileno())
        yield new, parent
    except (OSError, Edited):
        with suppress(OSError):
            new.unlink()
        raise
    finally:
        os.close(parent)


@contextmanager
def _in_place_of(path: Path, known: bytes, data: bytes, new: Path, parent: int) -> Iterator[None]:
    """Rename a file to a path where `known` stands, and back where that, or what follows, fails.

    Raises Edited, OSError.
    """
    # The old file keeps a name until it is certain that nobody was writing into it.
    old = path.with_name(f".{path.name}.old")
    old.unlink(missing_ok=True)
    try:
        os.link(path, old, follow_symlinks=False)
    except FileNotFoundError:
        raise Edited from None
    try:
        with open(open_file(old), "rb") as file:
            if file.read() != known:
                raise Edited
            os.replace(new, path)
            try:
                os.fsync(parent)
                file.seek(0)
                if file.read() != known:
                    raise Edited
                yield
            except BaseException:
                if _stands(path, data):
                    os.replace(old, path)
                    with suppress(OSError):
                        os.fsync(parent)
                raise
    finally:
        old.unlink(missing_ok=True)


def _stands(path: Path, data: bytes) -> bool:
    with suppress(OSError, Unreadable):
        return read_file(path, len(data)) == data
    return False


def change_file(path: Path, change: Callable[[bytes], bytes], limit: int = MAX_BYTES) -> None:
    """Rewrite a file by what stands in it, also where somebody edits it meanwhile.

    Raises Unreadable, FileNotFoundError, OSError.
    """
    while True:
        before = read_file(path, limit)
        after = change(before)
        with suppress(Edited):
            if after != before:
                rewrite_files({path: (before, after)})
            return


def move_folder(source: Path, target: Path) -> None:
    """Rename a folder so that it lasts; where it can't last, it did not happen. Raises OSError."""
    with ExitStack() as opened:
        parents = []
        for each in {source.parent, target.parent}:
            parents.append(os.open(each, _FOLDER))
            opened.callback(os.close, parents[-1])
        source.rename(target)
        try:
            for parent in parents:
                os.fsync(parent)
        except OSError:
            target.rename(source)
            raise


def sync_folder(path: Path) -> None:
    """Make a rename or a new name in a folder last."""
    descriptor = os.open(path, _FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def storage_errors(undone: str) -> Iterator[None]:
    """Turn a refusal of the file system into words; `undone` says what did not happen."""
    try:
        yield
    except OSError as error:
        cause = storage_cause(error)
        detail = f"{undone} {cause.sentence} Nothing was changed."
        raise StorageFailed(detail, extra={"cause": cause.code}) from error


def storage_cause(error: OSError) -> Cause:
    """Return why the file system refused, and what to do."""
    code = error.errno or 0
    said = Cause("storage_failed", f"The system said: {os.strerror(code)}.", "")
    return _CAUSES.get(code, said)


def write_problem(folder: Path) -> str:
    """Return in words why nothing can be written into a folder, or nothing; writes nothing."""
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
_UNMOUNT = "Unmount what is mounted there, then try again."
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
        "This server's user may not write there.",
        "Give it the deployments folder, then try again.",
    ),
    errno.EPERM: Cause(
        "not_writable",
        "This server's user may not do that there.",
        "Give it the deployments folder, then try again.",
    ),
    errno.ELOOP: Cause(
        "in_the_way",
        "A link stands where a file or folder should; links are not followed.",
        _IN_THE_WAY,
    ),
    errno.ENXIO: Cause(
        "in_the_way", "A pipe, a socket or a device stands where a file should.", _IN_THE_WAY
    ),
    errno.EISDIR: Cause("in_the_way", "A folder stands where a file should.", _IN_THE_WAY),
    errno.EEXIST: Cause("in_the_way", "Something else stands where a folder should.", _IN_THE_WAY),
    errno.ENOTDIR: Cause(
        "in_the_way",
        "A link or a file stands where a folder should; links are not followed.",
        _IN_THE_WAY,
    ),
    errno.EBUSY: Cause("mounted", "Something is mounted there.", _UNMOUNT),
    errno.EXDEV: Cause("mounted", "That is another disk.", _UNMOUNT),
    errno.EMFILE: Cause("out_of_files", "The server has too many files open.", _LATER),
    errno.ENFILE: Cause("out_of_files", "This host has too many files open.", _LATER),
}
