"""Deployments as folders: scanning, resolving an id, making a new one."""

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
from app.store.data_folders import FOLDERS, give_to_gateway, may_give
from app.store.deployment_files import COMPOSE_FILE, ENV_FILE, read_deployment
from app.store.file_writes import move_folder, sync_folder, write_file
from app.store.files import AGENT_DIR
from app.store.locks import waiting_for
from app.store.operations import OPERATIONS, reserve_space
from app.store.update_files import JOURNAL

_FRESH = ".new-"
_FRESH_FOLDERS = _FRESH + "[0-9a-f]" * 10

# What tells that a file was rewritten, also in place, or a folder's entries changed.
_Sign = tuple[int, int, int, int] | None
_Signature = tuple[_Sign, ...]
# Of the slowest kernel clock, 100 Hz, and as much again.
_TICK_NANOSECONDS = 20_000_000


@dataclass(frozen=True, slots=True)
class DeploymentContent:
    """The content of a deployment's folder, before there is one."""

    env: bytes
    compose_file: bytes
    openclaw_config: bytes


class DeploymentStore:
    """The deployments folder. A folder is read again only when its files changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.archive = Archive(root)
        self._cache: dict[str, tuple[_Signature, Deployment]] = {}

    def open(self) -> None:
        """Make the deployments folder and the part of it that is ours."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / AGENT_DIR).mkdir(mode=0o700, exist_ok=True)

    def scan(self) -> list[Deployment]:
        """Return every deployment, by id. Only folders whose files changed are read again."""
        try:
            with os.scandir(self.root) as entries:
                ids = sorted(each.name for each in entries if _is_deployment(each))
        except FileNotFoundError:
            ids = []
        for gone in self._cache.keys() - set(ids):
            self._cache.pop(gone, None)
        return [self._load(each) for each in ids]

    def load(self, deployment_id: str) -> Deployment:
        """Return one deployment. Raises NotFound, also for what is no id but leads elsewhere."""
        try:
            os.lstat(self.root / parse_id(deployment_id))
        except OSError:
            self._cache.pop(deployment_id, None)
            where = (
                "It was archived, and can be restored from the archive."
                if self.archive.newest(deployment_id)
                else "It may have been removed; the list has those that are there."
            )
            raise NotFound(f"There is no deployment {deployment_id}. {where}") from None
        return self._load(deployment_id)

    def has(self, deployment_id: str) -> bool:
        return os.path.lexists(self.root / deployment_id)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The deployments folder by its name, and by where that leads."""
        return str(self.root), os.path.realpath(self.root)

    def holds(self, path: str) -> bool:
        """Say whether a path, which may lead nowhere any more, is in the deployments folder."""
        return is_within(path, self.paths)

    def folder(self, deployment_id: str) -> Path:
        return self.root / deployment_id

    def folder_or_archived(self, deployment_id: str) -> Path:
        """Return a deployment's folder, also where it was archived meanwhile."""
        listed = self.folder(deployment_id)
        if self.has(deployment_id):
            return listed
        return self.archive.newest(deployment_id) or listed

    @contextmanager
    def creating(self) -> Iterator[None]:
        """Let one after the other choose a port and make its folder, over all servers."""
        self.open()
        with waiting_for(self.root / AGENT_DIR):
            for left in self.root.glob(_FRESH_FOLDERS):
                shutil.rmtree(left, ignore_errors=True)
            yield

    def new_id(self) -> str:
        while (self.root / (fresh := secrets.token_hex(5))).exists():
            pass
        return fresh

    def create(self, deployment_id: str, content: DeploymentContent, actor: str) -> None:
        """Make a folder, within `creating`: a sibling first, synced, then one rename."""
        fresh, target = self.root / f"{_FRESH}{deployment_id}", self.root / deployment_id
        try:
            fresh.mkdir(mode=0o755)
            write_file(fresh / ENV_FILE, content.env)
            write_file(fresh / COMPOSE_FILE, content.compose_file, 0o644)
            for data_folder in (*FOLDERS, "config/workspace"):
                (fresh / data_folder).mkdir(mode=0o700)
            write_file(fresh / "config" / "openclaw.json", content.openclaw_config)
            if may_give():
                give_to_gateway(fresh)
            made_of = parse_env(content.env), content.compose_file.decode()
            write_applied(fresh, applied_now("", *made_of))
            history.record(fresh, "configure", actor)
            reserve_space(fresh)
            sync_folder(fresh / AGENT_DIR)
            sync_folder(fresh)
            move_folder(fresh, target)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
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
    """Say whether a folder of that name is a deployment that is not whole yet."""
    return fnmatchcase(name, _FRESH_FOLDERS)


def _is_deployment(entry: os.DirEntry[str]) -> bool:
    return is_id(entry.name) and (entry.is_symlink() or entry.is_dir(follow_symlinks=False))


# Every list asks the disk for these of every folder: as strings, since a `Path` costs more
# than the question. What stands in the folder itself is in its own times: they change with
# each entry that is made, replaced or removed.
_SIGNED = ("", f"/{ENV_FILE}", f"/{COMPOSE_FILE}", f"/{OPERATIONS}", f"/{JOURNAL}")


def _signature(folder: str) -> _Signature:
    return tuple([_sign(folder + each) for each in _SIGNED])


def _sign(path: str) -> _Sign:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _has_settled(signature: _Signature, now: int) -> bool:
    """Say whether whatever changes from now on gets another signature: the kernel stamps all
    changes within a tick of its clock with one time."""
    return all(sign is None or abs(now - sign[1]) > _TICK_NANOSECONDS for sign in signature)
