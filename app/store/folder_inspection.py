"""Inspect the deployments folder for the doctor, without changing anything."""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from app.core.deployment import is_id
from app.core.doctor.folder import ExposedPath, FolderLink, ForeignEntry
from app.core.settings.compose_file import GATEWAY_UID
from app.store.archive import ARCHIVE, is_archived_name
from app.store.data_folders import FOLDERS
from app.store.deployment_files import COMPOSE_FILE, ENV_FILE
from app.store.deployments import is_being_made
from app.store.files import AGENT_DIR

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# README.md comes with the project and explains the folder.
_EXPECTED = (AGENT_DIR, ARCHIVE, "README.md", "lost+found")
# At most this many files of a data folder are checked: a gateway's packages have tens of
# thousands.
_MOST_FILES = 2000


def foreign_entries(root: Path) -> list[ForeignEntry]:
    """Return entries of the root and the archive that Deploy Agent did not create."""
    with suppress(FileNotFoundError):
        found = [
            _foreign_entry(each, each.name)
            for each in os.scandir(root)
            if each.name not in _EXPECTED
            and not is_being_made(each.name)
            and not (is_id(each.name) and (each.is_symlink() or each.is_dir()))
        ]
        with suppress(FileNotFoundError, NotADirectoryError):
            found += [
                _foreign_entry(each, f"{ARCHIVE}/{each.name}")
                for each in os.scandir(root / ARCHIVE)
                if not (is_archived_name(each.name) and each.is_dir(follow_symlinks=False))
            ]
        return sorted(found, key=lambda each: each.name)
    return []


def _foreign_entry(entry: os.DirEntry[str], name: str) -> ForeignEntry:
    is_folder = entry.is_dir(follow_symlinks=False)
    files = [os.path.join(entry.path, each) for each in (ENV_FILE, COMPOSE_FILE)]
    archived = name != entry.name
    looks = is_folder and not archived and all(map(os.path.isfile, files))
    return ForeignEntry(name, is_folder, looks)


def exposed_in_root(root: Path) -> list[ExposedPath]:
    """Return the parts of the root that other users may change, and Deploy Agent's folder if
    other users may access it."""
    found = [_exposed(root / AGENT_DIR), _writable(root), _writable(root / ARCHIVE)]
    return [each for each in found if each]


def exposed_in(folder: Path) -> list[ExposedPath]:
    """Return which files of a deployment other users may read or change. Raises OSError."""
    with os.scandir(folder) as entries:
        # Copies of `.env`, made by editors and people, hold the same keys.
        names = [each.name for each in entries if each.name.startswith(ENV_FILE)]
    found = [_exposed(folder / name) for name in sorted({*names, AGENT_DIR})]
    # If other users can't enter the folder, the file's own mode does not matter.
    if _exposed(folder / "config"):
        found.append(_exposed(folder / "config" / "openclaw.json"))
    found += [_writable(folder), _writable(folder / COMPOSE_FILE)]
    return [each for each in found if each]


def exposed_file(path: Path) -> list[ExposedPath]:
    """Return the file if users other than its owner may access it."""
    found = _exposed(path)
    return [found] if found else []


def _exposed(path: Path) -> ExposedPath | None:
    mode = _mode(path)
    if mode is None or stat.S_ISLNK(mode) or not mode & _OTHERS:
        return None
    return ExposedPath(str(path), stat.S_IMODE(mode))


def _writable(path: Path) -> ExposedPath | None:
    mode = _mode(path)
    if mode is None or stat.S_ISLNK(mode) or not mode & stat.S_IWOTH or mode & stat.S_ISVTX:
        return None
    return ExposedPath(str(path), stat.S_IMODE(mode), private=False)


def _mode(path: Path) -> int | None:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return None


def links_in(folder: Path) -> list[FolderLink]:
    """Return links in place of a deployment's folder or of its parts."""
    ours = (f"{AGENT_DIR}/{name}" for name in ("operations", "update", "last-words"))
    own = [folder / name for name in (ENV_FILE, COMPOSE_FILE, AGENT_DIR, *FOLDERS)]
    if not own[2].is_symlink():
        own += [folder / name for name in ours]
    paths = [folder] if folder.is_symlink() else [each for each in own if each.is_symlink()]
    return [FolderLink(str(each), _target(each)) for each in paths]


def _target(link: Path) -> str:
    target = os.path.realpath(link)
    return target if os.path.exists(target) else ""


def misowned_paths(folder: Path, until: float) -> tuple[list[tuple[str, int]], bool]:
    """Return the paths in a deployment's data folders that the gateway's user does not own, with
    the owner's uid, and whether all folders were readable. Stop at `until` (monotonic clock).
    """
    found: list[tuple[str, int]] = []
    whole = True
    for name in FOLDERS:
        try:
            owned = _owned(folder / name, until)
            found += [(path, uid) for path, uid in owned if uid != GATEWAY_UID]
        except FileNotFoundError:
            pass  # A launch creates the folder.
        except OSError:
            whole = False
    return found, whole


def _owned(top: Path, until: float) -> Iterator[tuple[str, int]]:
    """Yield the folder and each path in it, with the owner's uid; enter no link or mount."""
    status = os.lstat(top)
    yield str(top), status.st_uid
    pending, left = [str(top)] if stat.S_ISDIR(status.st_mode) else [], _MOST_FILES
    while pending and left > 0 and time.monotonic() < until:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                inside = entry.stat(follow_symlinks=False)
                yield entry.path, inside.st_uid
                left -= 1
                if stat.S_ISDIR(inside.st_mode) and inside.st_dev == status.st_dev:
                    pending.append(entry.path)
