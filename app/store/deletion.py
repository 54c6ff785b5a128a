"""Deleting a folder for good, and nothing else: no link is followed, no mount is entered.

A folder inside is first moved to the top. The kernel neither moves nor removes what
something is mounted on, so what is emptied afterwards is this folder's own; and however
deep folders are nested, two of them are open at a time.
"""

import errno
import os
import secrets
from collections.abc import Collection

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def delete_folder(parent: int, name: str, last: Collection[str] = ()) -> None:
    """Delete the folder of that name in the folder `parent`, the entries `last` after all others.

    Raises OSError at the first refusal; what is left can be deleted by another call.
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
    """Remove a folder that is empty already. Raises OSError where something is mounted on it."""
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
    """Delete a folder of the top; the folders in it are moved to the top."""
    folder = os.open(name, _FLAGS, dir_fd=top)
    try:
        for each in os.listdir(folder):
            _unlinked_or_moved(folder, each, top)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)


def _unlinked_or_moved(folder: int, name: str, top: int) -> str:
    """Delete an entry; one that is a folder is moved to the top under the name that is returned."""
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        moved = secrets.token_hex(16)
        os.rename(name, moved, src_dir_fd=folder, dst_dir_fd=top)
        return moved
    return ""
