"""What an update has on disk, in `.deploy-agent/update/` of a deployment's folder.

    journal.json   of the update that is under way, or was broken off
    before/        the copy of config/ that this update goes back to
    tried/         what was config/ meanwhile, on the way back
    candidate.env  what .env is to be, for Compose to look at
    kept/          the state of the version before the last update, kept.json its image

A folder gets from one of these names to another by a rename, so that at every moment it
is whole under one of them. What only the gateway's user may touch is moved by `Hands`.
"""

import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from app.core.updates.journal import (
    Journal,
    Kept,
    journal_from_json,
    journal_to_json,
    kept_from_json,
    kept_to_json,
)
from app.store.file_writes import move_folder, sync_folder, write_file
from app.store.files import (
    AGENT_DIR,
    Unreadable,
    agent_dir,
    raise_shortage,
    read_file,
    refuse_links,
)
from app.store.sizes import size_of

STATE = "config"
BEFORE, TRIED, KEPT = (f"{AGENT_DIR}/update/{name}" for name in ("before", "tried", "kept"))
CANDIDATE, JOURNAL, _KEPT_IMAGE = (
    f"{AGENT_DIR}/update/{name}" for name in ("candidate.env", "journal.json", "kept.json")
)
# The kernel's request to share another file's blocks; see ioctl_ficlone(2).
_FICLONE = 0x40049409
_SYNC_SECONDS = 600.0


class Hands(Protocol):
    """Who may touch the state. Paths are names within the deployment's folder."""

    def size(self) -> int: ...

    def copy(self, target: str) -> None:
        """Copy the state. Raises CopyFailed or, of a container, ComposeFailed."""

    def move(self, source: str, target: str) -> None: ...

    def remove(self, target: str) -> None: ...


class CopyFailed(Exception):
    """The state could not be copied; the text is the tool's own."""


class OwnHands:
    """This process may: it is root, or the gateway's own user."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder, self._seconds = folder, seconds

    def size(self) -> int:
        return size_of(self._folder / STATE).bytes

    def copy(self, target: str) -> None:
        # It shares blocks where the file system can, and keeps holes.
        source, copy = self._folder / STATE, self._folder / target
        _run(["cp", "-a", "--reflink=auto", "--", str(source), str(copy)], self._seconds)

    def move(self, source: str, target: str) -> None:
        move_folder(self._folder / source, self._folder / target)

    def remove(self, target: str) -> None:
        shutil.rmtree(self._folder / target)


def open_updates(folder: Path) -> Path:
    """Return the folder of an update, made where it is missing."""
    updates = agent_dir(folder) / "update"
    updates.mkdir(mode=0o700, exist_ok=True)
    refuse_links(updates)
    return updates


def there(folder: Path, name: str) -> bool:
    return os.path.lexists(folder / name)


def may_touch(folder: Path) -> bool:
    """Say whether this process may do all with the state, wherever it is just now."""
    names = (name for name in (STATE, BEFORE, TRIED) if there(folder, name))
    owners = {os.lstat(folder / name).st_uid for name in names}
    return os.geteuid() == 0 or owners == {os.geteuid()}


def is_plain_folder(folder: Path) -> bool:
    """Say whether the state is a folder on the same disk: no other is moved by a rename."""
    found = os.lstat(folder / STATE)
    return stat.S_ISDIR(found.st_mode) and found.st_dev == os.lstat(folder).st_dev


def read_journal(folder: Path) -> Journal | None:
    """Return the update that is under way, or None. Raises ValueError where it is damaged."""
    try:
        return journal_from_json(read_file(folder / JOURNAL))
    except FileNotFoundError:
        return None
    except Unreadable as error:
        raise ValueError(str(error)) from None


def write_journal(folder: Path, journal: Journal) -> None:
    write_file(folder / JOURNAL, journal_to_json(journal))


def end_journal(folder: Path) -> None:
    (folder / JOURNAL).unlink()
    sync_folder((folder / JOURNAL).parent)


def read_kept(folder: Path) -> Kept | None:
    """Return the version before, where its state is kept."""
    try:
        return kept_from_json(read_file(folder / _KEPT_IMAGE)) if there(folder, KEPT) else None
    except (OSError, Unreadable, ValueError) as error:
        raise_shortage(error)
        return None


def write_kept(folder: Path, kept: Kept) -> None:
    write_file(folder / _KEPT_IMAGE, kept_to_json(kept))


def free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def shares_blocks(folder: Path) -> bool:
    """Say whether a copy takes no room on this file system, by making one."""
    with suppress(OSError):
        updates = open_updates(folder)
        with tempfile.TemporaryFile(dir=updates) as one, tempfile.TemporaryFile(dir=updates) as two:
            one.write(b".")
            one.flush()
            fcntl.ioctl(two.fileno(), _FICLONE, one.fileno())
            return True
    return False


def sync_state(folder: Path) -> None:
    """Make all that was copied last, before the journal says that it is whole."""
    _run(["sync", "-f", str(folder / AGENT_DIR)], _SYNC_SECONDS)


def _run(command: Sequence[str], seconds: float) -> None:
    """Run a tool that ends together with us. Raises CopyFailed."""
    try:
        done = subprocess.run(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise CopyFailed(f"it was not done after {seconds:g} s") from None
    if done.returncode:
        raise CopyFailed(done.stderr.decode(errors="replace").strip()[:500])
