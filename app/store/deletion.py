"""Delete a folder and nothing else: no link is followed, no mount is entered.

Each subfolder is moved to the top folder before it is emptied. The kernel refuses to move or
remove a mount point, so nothing outside is ever deleted. Only two folders are open at a time,
however deep folders are nested.
"""

import errno
import os
import secrets
from collections.abc import Collection

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def delete_folder(parent: int, name: str, last: Collection[str] = ()) -> None:
    """Delete the folder `name` in `parent`, a descriptor; delete its entries in `last` last.

    Raises OSError at the first failure; another call deletes the rest.
    """
    if _is_removed(parent, name):
        return
    top = os.open(name, _FLAGS, dir_fd=parent)
    try:
        _empty(top, last)
        _empty(top, ())
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent)


def _is_removed(parent: int, name: str) -> bool:
    """Remove an empty folder; return False if it is not empty. Raises OSError for a mount point."""
    try:
        os.rmdir(name, dir_fd=parent)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            return False
        raise
    return True


def _empty(top: int, kept: Collection[str]) -> None:
    while names := [each for each in os.listdir(top) if each not in kept]:
        for each in names:
            if folder := _unlinked_or_moved(top, each, top):
                _flatten(top, folder)


def _flatten(top: int, name: str) -> None:
    """Delete a folder in `top`; its subfolders are moved to `top`."""
    folder = os.open(name, _FLAGS, dir_fd=top)
    try:
        for each in os.listdir(folder):
            _unlinked_or_moved(folder, each, top)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)


def _unlinked_or_moved(folder: int, name: str, top: int) -> str:
    """Delete a file, or move a folder to `top` and return its new name."""
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        moved = secrets.token_hex(16)
        os.rename(name, moved, src_dir_fd=folder, dst_dir_fd=top)
        return moved
    return ""
