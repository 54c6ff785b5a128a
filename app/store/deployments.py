"""The deployments folder: list deployments, find one by its id, create one."""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from app.core.deployment import Deployment, is_id, parse_id
from app.core.errors import NotFound
from app.core.orphans import is_within
from app.core.settings.env_file import parse_env
from app.store import history
from app.store.applied_settings import applied_now, write_applied
from app.store.archive import Archive
from app.store.data_folders import FOLDERS, give_to_gateway, may_change_owner
from app.store.deployment_files import COMPOSE_FILE, ENV_FILE, read_deployment
from app.store.file_writes import move_folder, sync_folder, write_file
from app.store.files import AGENT_DIR
from app.store.locks import waiting_for
from app.store.operations import OPERATIONS, reserve_space
from app.store.update_files import JOURNAL

_NEW = ".new-"
_NEW_FOLDERS = _NEW + "[0-9a-f]" * 10

# A file's times, size and inode. Every write changes one of these, even a write in place.
_FileSignature = tuple[int, int, int, int] | None
_Signature = tuple[_FileSignature, ...]
# Two ticks of the slowest kernel clock, 100 Hz.
_TICK_NANOSECONDS = 20_000_000


@dataclass(frozen=True, slots=True)
class DeploymentContent:
    """The files of a new deployment."""

    env: bytes
    compose_file: bytes
    openclaw_config: bytes


class DeploymentStore:
    """The deployments folder. A deployment is read again only when its files changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.archive = Archive(root)
        self._cache: dict[str, tuple[_Signature, Deployment]] = {}

    def open(self) -> None:
        """Create the deployments folder and Deploy Agent's part of it."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / AGENT_DIR).mkdir(mode=0o700, exist_ok=True)

    def scan(self) -> list[Deployment]:
        """Return all deployments, sorted by id."""
        try:
            with os.scandir(self.root) as entries:
                ids = sorted(each.name for each in entries if _is_deployment(each))
        except FileNotFoundError:
            ids = []
        for gone in self._cache.keys() - set(ids):
            self._cache.pop(gone, None)
        return [self._load(each) for each in ids]

    def load(self, deployment_id: str) -> Deployment:
        """Return one deployment. Raises NotFound, also for a text that is no id, such as a path."""
        try:
            os.lstat(self.root / parse_id(deployment_id))
        except OSError:
            self._cache.pop(deployment_id, None)
            where = (
                "It was archived, and can be restored from the archive."
                if self.archive.newest(deployment_id)
                else "It may have been removed; the list shows all deployments."
            )
            raise NotFound(f"There is no deployment {deployment_id}. {where}") from None
        return self._load(deployment_id)

    def has(self, deployment_id: str) -> bool:
        return os.path.lexists(self.root / deployment_id)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Two paths of the deployments folder: as configured, and with links resolved."""
        return str(self.root), os.path.realpath(self.root)

    def holds(self, path: str) -> bool:
        """Return whether a path is in the deployments folder. The path may be missing on disk."""
        return is_within(path, self.paths)

    def folder(self, deployment_id: str) -> Path:
        return self.root / deployment_id

    def folder_or_archived(self, deployment_id: str) -> Path:
        """Return a deployment's folder, or its newest archived folder if it is not listed."""
        listed = self.folder(deployment_id)
        if self.has(deployment_id):
            return listed
        return self.archive.newest(deployment_id) or listed

    @contextmanager
    def creation_lock(self) -> Iterator[None]:
        """Hold the creation lock: one process at a time chooses a port and creates a folder."""
        self.open()
        with waiting_for(self.root / AGENT_DIR):
            for left in self.root.glob(_NEW_FOLDERS):
                shutil.rmtree(left, ignore_errors=True)
            yield

    def new_id(self) -> str:
        while (self.root / (new := secrets.token_hex(5))).exists():
            pass
        return new

    def create(self, deployment_id: str, content: DeploymentContent, actor: str) -> None:
        """Create a deployment's folder, within `creation_lock`.

        The folder is created under another name, synced, then renamed, so that only a complete
        folder is listed.
        """
        new, target = self.root / f"{_NEW}{deployment_id}", self.root / deployment_id
        try:
            new.mkdir(mode=0o755)
            write_file(new / ENV_FILE, content.env)
            write_file(new / COMPOSE_FILE, content.compose_file, 0o644)
            for data_folder in (*FOLDERS, "config/workspace"):
                (new / data_folder).mkdir(mode=0o700)
            write_file(new / "config" / "openclaw.json", content.openclaw_config)
            if may_change_owner():
                give_to_gateway(new)
            made_of = parse_env(content.env), content.compose_file.decode()
            write_applied(new, applied_now("", *made_of))
            history.record(new, "configure", actor)
            reserve_space(new)
            sync_folder(new / AGENT_DIR)
            sync_folder(new)
            move_folder(new, target)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise

    def _load(self, deployment_id: str) -> Deployment:
        now = time.time_ns()
        signature = _signature(f"{self.root}/{deployment_id}")
        cached = self._cache.get(deployment_id)
        if cached and cached[0] == signature and not cached[1].running_operation:
            return cached[1]
        deployment = read_deployment(self.root / deployment_id, deployment_id)
        if _has_settled(signature, now):
            self._cache[deployment_id] = (signature, deployment)
        else:
            self._cache.pop(deployment_id, None)
        return deployment


def is_being_made(name: str) -> bool:
    """Return whether this is the name of a folder under creation."""
    return fnmatchcase(name, _NEW_FOLDERS)


def _is_deployment(entry: os.DirEntry[str]) -> bool:
    return is_id(entry.name) and (entry.is_symlink() or entry.is_dir(follow_symlinks=False))


# Each listing stats these paths in every folder. They are strings because making a `Path` costs
# more than the stat. The first path is the folder itself: its times change when an entry in it is
# created, replaced or removed.
_SIGNED_PATHS = ("", f"/{ENV_FILE}", f"/{COMPOSE_FILE}", f"/{OPERATIONS}", f"/{JOURNAL}")


def _signature(folder: str) -> _Signature:
    return tuple([_file_signature(folder + each) for each in _SIGNED_PATHS])


def _file_signature(path: str) -> _FileSignature:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _has_settled(signature: _Signature, now: int) -> bool:
    """Return whether any later change will change the signature.

    The kernel gives all changes within one tick of its clock the same time, so a file that was
    changed just now may change again without a new signature.
    """
    return all(sign is None or abs(now - sign[1]) > _TICK_NANOSECONDS for sign in signature)
