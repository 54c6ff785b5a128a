"""Write files so that a crash leaves either the complete old file or the complete new file."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from app.store.files import MAX_BYTES, Unreadable, open_file, read_file, refuse_links

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Edited(Exception):
    """Somebody changed a file after it was read, so the file is left unchanged."""


def write_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace the content of a file atomically; `mode` is for a new file.

    A crash leaves the complete old or the complete new file, because of the order: sync the new
    file, rename it, sync the folder. An existing file keeps its mode and owner. Raises OSError.
    """
    with _new_file(path, data, mode) as (new, parent):
        os.replace(new, path)
        os.fsync(parent)


def rewrite_files(changes: Mapping[Path, tuple[bytes, bytes]]) -> None:
    """Rewrite all files or none; `changes` maps paths to the known and the new content.

    All new files are written before the first rename, so that a full disk changes nothing.
    Raises OSError, and Edited if a file's content differs from the known content.
    """
    with ExitStack() as done:
        written = [
            done.enter_context(_new_file(path, after)) for path, (_, after) in changes.items()
        ]
        for (new, parent), (path, (before, after)) in zip(written, changes.items(), strict=True):
            done.enter_context(_in_place_of(path, before, after, new, parent))


@contextmanager
def _new_file(path: Path, data: bytes, mode: int = 0o600) -> Iterator[tuple[Path, int]]:
    """Yield a new synced file beside `path`, and the descriptor of their folder."""
    refuse_links(path.parent)
    mode, owner = _mode_and_owner(path, mode)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    # Opened before the rename: a lack of file descriptors after it would look like a failure.
    parent = os.open(path.parent, _FOLDER)
    try:
        new.unlink(missing_ok=True)
        with open(os.open(new, _NEW_FILE, 0o600), "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            if owner != (os.geteuid(), os.getegid()):
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


def _mode_and_owner(path: Path, mode: int) -> tuple[int, tuple[int, int]]:
    """Return mode and owner of an existing file; else `mode` and this process's user and group."""
    with suppress(FileNotFoundError):
        existing = path.lstat()
        if stat.S_ISREG(existing.st_mode):
            return stat.S_IMODE(existing.st_mode), (existing.st_uid, existing.st_gid)
    return mode, (os.geteuid(), os.getegid())


@contextmanager
def _in_place_of(path: Path, known: bytes, data: bytes, new: Path, parent: int) -> Iterator[None]:
    """Rename `new` to `path`, whose content must be `known`; undo the rename if the block fails.

    Raises Edited, OSError.
    """
    # The old file keeps a second name until a second read shows that nobody wrote into it.
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
                if _has_content(path, data):
                    os.replace(old, path)
                    with suppress(OSError):
                        os.fsync(parent)
                raise
    finally:
        old.unlink(missing_ok=True)


def _has_content(path: Path, data: bytes) -> bool:
    with suppress(OSError, Unreadable):
        return read_file(path, len(data)) == data
    return False


def change_file(path: Path, change: Callable[[bytes], bytes], limit: int = MAX_BYTES) -> None:
    """Rewrite a file by a function of its content; repeat after an edit by somebody else.

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
    """Rename a folder and sync the rename; undo the rename if the sync fails. Raises OSError."""
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
    """Sync a folder, so that new and renamed entries survive a crash."""
    descriptor = os.open(path, _FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
