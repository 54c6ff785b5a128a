"""The archive: folders `.archive/<id>-<time>/` of deployments without port and container.

One rename archives or restores a folder, so a deployment is either listed or archived at every
moment. Before a folder is deleted permanently, it is renamed to `.purging-<id>-<time>`. A folder
of that name can't be restored, and its interrupted deletion can be continued.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core.deployment import Deployment
from app.core.operations.kinds import OperationKind
from app.store.deletion import delete_folder
from app.store.deployment_files import ENV_FILE, read_deployment
from app.store.file_writes import move_folder
from app.store.files import AGENT_DIR, raise_shortage
from app.store.locks import is_locked, lock_folder
from app.store.operations import latest

ARCHIVE = ".archive"
_PURGING = ".purging-"
_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(?P<id>[0-9a-f]{10})-(?P<time>[0-9]{8}T[0-9]{6}Z)\Z", re.ASCII)


def is_archived_name(name: str) -> bool:
    """Return whether a folder in the archive with this name is an archived deployment."""
    return bool(_NAME.match(name.removeprefix(_PURGING)))


@dataclass(frozen=True, slots=True)
class ArchivedDeployment:
    """A deployment in the archive; `name` is `<id>-<time>`.

    `by` is empty if the folder was moved by hand. `purging`: the folder's deletion has begun.
    `busy`: an operation holds the folder's lock.
    """

    name: str
    deployment: Deployment
    at: datetime
    by: str
    purging: bool
    busy: bool

    @property
    def folder(self) -> Path:
        return Path(self.deployment.folder)

    @property
    def label(self) -> str:
        """The text that a person types to confirm the deletion."""
        return self.deployment.name.strip() or self.deployment.id


class Archive:
    def __init__(self, deployments: Path) -> None:
        self._deployments = deployments
        self.root = deployments / ARCHIVE

    def open(self) -> None:
        """Create the archive's folder if needed, and check that it is a folder. Raises OSError."""
        self.root.mkdir(exist_ok=True)
        os.close(self._opened())

    def ids(self) -> frozenset[str]:
        """Return the ids of the deployments that are archived."""
        return frozenset(name.partition("-")[0] for name in self._folders())

    def count(self) -> int:
        return len(self._folders())

    def all(self) -> list[ArchivedDeployment]:
        """Return all archived deployments, the latest first."""
        found = [self._read(name, folder) for name, folder in self._folders().items()]
        return sorted(found, key=lambda each: (each.at, each.name), reverse=True)

    def get(self, name: str) -> ArchivedDeployment | None:
        """Return the archived deployment with this folder name."""
        folder = self._folders().get(name)
        return self._read(name, folder) if folder else None

    def newest(self, deployment_id: str) -> Path | None:
        """Return a deployment's newest archived folder."""
        folders = self._folders()
        return max(
            (folder for name, folder in folders.items() if name.startswith(f"{deployment_id}-")),
            key=lambda folder: folder.name.removeprefix(_PURGING),
            default=None,
        )

    def add(self, deployment_id: str) -> str:
        """Archive a deployment's folder; return its new name. The caller holds its lock."""
        self.open()
        at = datetime.now(UTC)
        taken = self._folders()
        while (name := f"{deployment_id}-{at:{_TIME}}") in taken:
            at += timedelta(seconds=1)
        move_folder(self._deployments / deployment_id, self.root / name)
        return name

    @contextmanager
    def locked(self, name: str) -> Iterator[Path]:
        """Hold the lock of an archived folder. Raises Locked, FileNotFoundError, OSError."""
        os.close(self._opened())
        folder = self._folders().get(name, self.root / name)
        descriptor = lock_folder(folder)
        try:
            yield folder
        finally:
            os.close(descriptor)

    def restore(self, folder: Path, deployment_id: str) -> None:
        """Restore an archived folder. The caller holds the folder's lock.

        Raises FileExistsError if the deployments folder has an entry of that id.
        """
        target = self._deployments / deployment_id
        if os.path.lexists(target):
            raise FileExistsError(target)
        move_folder(folder, target)

    def begin_purge(self, folder: Path) -> Path:
        """Rename a folder so that nobody can restore it. The caller holds the folder's lock."""
        if folder.name.startswith(_PURGING):
            return folder
        renamed = self.root / f"{_PURGING}{folder.name}"
        move_folder(folder, renamed)
        return renamed

    def purge(self, folder: Path) -> None:
        """Delete a folder whose purge has begun. The caller holds the folder's lock.

        `.env` and the history are deleted last: a partly deleted folder still shows the
        deployment's name. Raises OSError; a later call deletes the rest.
        """
        archive = self._opened()
        try:
            delete_folder(archive, folder.name, last=(AGENT_DIR, ENV_FILE))
            os.fsync(archive)
        finally:
            os.close(archive)

    def _opened(self) -> int:
        """Open the archive's folder and return the descriptor. Raises OSError for a link."""
        return os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def _folders(self) -> dict[str, Path]:
        """Return the archived folders by name; entries with other names are ignored."""
        try:
            archive = self._opened()
        except OSError as error:
            raise_shortage(error)
            return {}
        try:
            with os.scandir(archive) as entries:
                names = [each.name for each in entries if each.is_dir(follow_symlinks=False)]
        finally:
            os.close(archive)
        return {
            known: self.root / name
            for name in names
            if _NAME.match(known := name.removeprefix(_PURGING))
        }

    def _read(self, name: str, folder: Path) -> ArchivedDeployment:
        match = _NAME.match(name)
        assert match, "`_folders` returns only matching names"
        operation = latest(folder)
        archived_here = operation is not None and operation.kind is OperationKind.ARCHIVE
        return ArchivedDeployment(
            name=name,
            deployment=read_deployment(folder, match["id"]),
            at=_moment(match["time"]),
            by=operation.actor if operation and archived_here else "",
            purging=folder.name.startswith(_PURGING),
            busy=_is_busy(folder),
        )


def _moment(text: str) -> datetime:
    """Return the time in a name. An impossible time, made by hand, counts as the oldest."""
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def _is_busy(folder: Path) -> bool:
    try:
        return is_locked(folder)
    except OSError as error:
        raise_shortage(error)
        return False
