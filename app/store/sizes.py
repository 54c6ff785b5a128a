"""The size of a folder on disk, as far as this process's user may read the folder."""

import os
from dataclasses import dataclass
from pathlib import Path

_MOST_ENTRIES = 500_000


@dataclass(frozen=True, slots=True)
class FolderSize:
    """Disk usage of a folder in bytes; `whole` is False if a subfolder could not be read."""

    bytes: int
    whole: bool = True


def size_of(folder: Path) -> FolderSize:
    """Return a folder's size; links are not followed, unreadable subfolders are left out."""
    total, entries, whole = 0, 0, True
    left = [str(folder)]
    while left and entries < _MOST_ENTRIES:
        try:
            with os.scandir(left.pop()) as found:
                for each in found:
                    entries += 1
                    total += each.stat(follow_symlinks=False).st_blocks * 512
                    if each.is_dir(follow_symlinks=False):
                        left.append(each.path)
        except OSError:
            whole = False
    return FolderSize(total, whole and not left)
