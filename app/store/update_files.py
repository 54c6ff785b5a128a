"""Files of an update, in `.deploy-agent/update/` of a deployment's folder.

    journal.json   progress of an update that is running or was interrupted
    before/        the copy of config/ that a rollback puts back
    tried/         the former config/, which a rollback has moved aside
    candidate.env  the new .env, for Compose to check
    kept/          the state of the previous version; kept.json names its image

Folders change between these names by a rename, so a folder under one of these names is always
complete. `StateAccess` is for state that only the gateway's user may access.
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

from app.core.records import read_record, record_to_json
from app.core.updates.journal import Journal, KeptVersion
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


class StateAccess(Protocol):
    """Access to the state in `config/`. Paths are names within the deployment's folder."""

    def size(self) -> int: ...

    def copy(self, target: str) -> None:
        """Copy the state. Raise CopyFailed; ComposeFailed if a container copies."""

    def move(self, source: str, target: str) -> None: ...

    def remove(self, target: str) -> None: ...


class CopyFailed(Exception):
    """The state could not be copied; the message says why."""


class DirectAccess:
    """Access by this process, which runs as root or as the gateway's own user."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder, self._seconds = folder, seconds

    def size(self) -> int:
        return size_of(self._folder / STATE).bytes

    def copy(self, target: str) -> None:
        # Share blocks if the file system can; sparse files stay sparse.
        source, copy = self._folder / STATE, self._folder / target
        _run(["cp", "-a", "--reflink=auto", "--", str(source), str(copy)], self._seconds)

    def move(self, source: str, target: str) -> None:
        move_folder(self._folder / source, self._folder / target)

    def remove(self, target: str) -> None:
        shutil.rmtree(self._folder / target)


def open_updates(folder: Path) -> Path:
    """Return the folder for the files of an update; make it if it is missing."""
    updates = agent_dir(folder) / "update"
    updates.mkdir(mode=0o700, exist_ok=True)
    refuse_links(updates)
    return updates


def exists(folder: Path, name: str) -> bool:
    return os.path.lexists(folder / name)


def may_access_state(folder: Path) -> bool:
    """Say whether this process may read, move and remove the state under all its names."""
    names = (name for name in (STATE, BEFORE, TRIED) if exists(folder, name))
    owners = {os.lstat(folder / name).st_uid for name in names}
    return os.geteuid() == 0 or owners == {os.geteuid()}


def is_plain_folder(folder: Path) -> bool:
    """Say whether the state is a folder on the same disk, which a rename can move."""
    found = os.lstat(folder / STATE)
    return stat.S_ISDIR(found.st_mode) and found.st_dev == os.lstat(folder).st_dev


def read_journal(folder: Path) -> Journal | None:
    """Return the journal of an update, or None. Raise ValueError if it is damaged."""
    try:
        return read_record(Journal, read_file(folder / JOURNAL))
    except FileNotFoundError:
        return None
    except Unreadable as error:
        raise ValueError(str(error)) from None


def write_journal(folder: Path, journal: Journal) -> None:
    write_file(folder / JOURNAL, record_to_json(journal))


def end_journal(folder: Path) -> None:
    (folder / JOURNAL).unlink()
    sync_folder((folder / JOURNAL).parent)


def read_kept(folder: Path) -> KeptVersion | None:
    """Return the previous version, or None if its state is not kept."""
    try:
        if exists(folder, KEPT):
            return read_record(KeptVersion, read_file(folder / _KEPT_IMAGE))
    except (OSError, Unreadable, ValueError) as error:
        raise_shortage(error)
    return None


def write_kept(folder: Path, kept: KeptVersion) -> None:
    write_file(folder / _KEPT_IMAGE, record_to_json(kept))


def shares_blocks(folder: Path) -> bool:
    """Say whether a copy takes no room on this file system, by a try with a small file."""
    with suppress(OSError):
        updates = open_updates(folder)
        with tempfile.TemporaryFile(dir=updates) as one, tempfile.TemporaryFile(dir=updates) as two:
            one.write(b".")
            one.flush()
            fcntl.ioctl(two.fileno(), _FICLONE, one.fileno())
            return True
    return False


def sync_state(folder: Path) -> None:
    """Sync the copy to disk, before the journal says that it is complete."""
    _run(["sync", "-f", str(folder / AGENT_DIR)], _SYNC_SECONDS)


def _run(command: Sequence[str], seconds: float) -> None:
    """Run a tool that is killed if this process dies. Raise CopyFailed."""
    try:
        done = subprocess.run(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise CopyFailed(f"the copy took longer than {seconds:g} s") from None
    if done.returncode:
        raise CopyFailed(done.stderr.decode(errors="replace").strip()[:500])
