"""Files that an operation keeps in its own folder, to undo or finish its work after a crash.

Kept files may hold secrets, so they are deleted as soon as no operation needs them.
"""

from collections.abc import Mapping
from pathlib import Path

from app.store.file_writes import write_file
from app.store.files import read_file, refuse_links

_SUFFIX = ".kept"


def keep_files(own: Path, files: Mapping[str, bytes]) -> None:
    """Write files, by name, into an operation's own folder. Raise OSError."""
    for name, data in files.items():
        write_file(own / f"{name}{_SUFFIX}", data)


def kept_file(own: Path, name: str) -> bytes | None:
    """Return one kept file, or None. Raise OSError, Unreadable."""
    try:
        return read_file(own / f"{name}{_SUFFIX}")
    except FileNotFoundError:
        return None


def kept_files(own: Path) -> dict[str, bytes]:
    """Return all kept files by name. Raise OSError, Unreadable."""
    return {each.name.removesuffix(_SUFFIX): read_file(each) for each in _paths(own)}


def forget_files(own: Path) -> None:
    for each in _paths(own):
        each.unlink(missing_ok=True)


def _paths(own: Path) -> list[Path]:
    refuse_links(own)
    return list(own.glob(f"*{_SUFFIX}"))
