"""The archive: folders `.archive/<id>-<time>/`, where a deployment has no port and no container.

One rename takes a folder there or back, so that a deployment is listed or archived at
every moment. What is to be deleted for good is renamed first, to `.purging-<id>-<time>`:
it can't be restored any more, and its deletion can be taken up again.
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
    """Say whether a folder of that name in the archive is an archived deployment's."""
    return bool(_NAME.match(name.removeprefix(_PURGING)))


@dataclass(frozen=True, slots=True)
class ArchivedDeployment:
    """A deployment in the archive, named `<id>-<time>` there.

    `by` is empty where a person moved it by hand. `purging` says that its deletion
    has begun; `busy`, that somebody works on it right now.
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
        """What a person types to have it deleted for good."""
        return self.deployment.name.strip() or self.deployment.id


class Archive:
    def __init__(self, deployments: Path) -> None:
        self._deployments = deployments
        self.root = deployments / ARCHIVE

    def open(self) -> None:
        """Make the archive's folder, or see that it is one. Raises OSError."""
        self.root.mkdir(exist_ok=True)
        os.close(self._opened())

    def ids(self) -> frozenset[str]:
        """Return the ids of the deployments that are archived."""
        return frozenset(name.partition("-")[0] for name in self._folders())

    def count(self) -> int:
        return len(self._folders())

    def all(self) -> list[ArchivedDeployment]:
        """Return what is archived, the latest first."""
        found = [self._read(name, folder) for name, folder in self._folders().items()]
        return sorted(found, key=lambda each: (each.at, each.name), reverse=True)

    def get(self, name: str) -> ArchivedDeployment | None:
        """Return what is archived under a name."""
        folder = self._folders().get(name)
        return self._read(name, folder) if folder else None

    def newest(self, deployment_id: str) -> Path | None:
        """Return the folder of the latest that was archived of one deployment."""
        folders = self._folders()
        return max(
            (folder for name, folder in folders.items() if name.startswith(f"{deployment_id}-")),
            key=lambda folder: folder.name.removeprefix(_PURGING),
            default=None,
        )

    def put(self, deployment_id: str) -> str:
        """Move a listed deployment's folder here and return its name. The caller holds its lock."""
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

    def put_back(self, folder: Path, deployment_id: str) -> None:
        """Move an archived folder to where it is listed. The caller holds its lock.

        Raises FileExistsError: nothing that stands there is replaced.
        """
        target = self._deployments / deployment_id
        if os.path.lexists(target):
            raise FileExistsError(target)
        move_folder(folder, target)

    def begin_purge(self, folder: Path) -> Path:
        """Take a folder out of reach of a restore. The caller holds its lock."""
        if folder.name.startswith(_PURGING):
            return folder
        renamed = self.root / f"{_PURGING}{folder.name}"
        move_folder(folder, renamed)
        return renamed

    def purge(self, folder: Path) -> None:
        """Delete a folder whose purge has begun. The caller holds its lock.

        Its name and history go last, so that what is left after a failure can be
        told. Raises OSError, with what is left still there.
        """
        archive = self._opened()
        try:
            delete_folder(archive, folder.name, last=(AGENT_DIR, ENV_FILE))
            os.fsync(archive)
        finally:
            os.close(archive)

    def _opened(self) -> int:
        """Return the archive's own descriptor; a link in its place is not followed."""
        return os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def _folders(self) -> dict[str, Path]:
        """Return the archived folders by name; what has another name is none of ours."""
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
        assert match, "only such names are archived ones"
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
    """Return the time in a name; one that no calendar has, from a hand, is the oldest."""
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
