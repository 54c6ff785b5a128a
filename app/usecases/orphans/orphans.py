"""Orphans: containers and networks that belong to no deployment's folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.core.deployment import Deployment
from app.core.errors import EngineError, engine_error
from app.core.orphans import KnownFolders, Orphan, find_orphans
from app.core.snapshot import Container, EngineProblem, Network, Snapshot
from app.store.files import AGENT_DIR
from app.usecases.context import AppContext


@dataclass(frozen=True, slots=True)
class Orphans:
    """The orphans, one for each Compose project. `problem`: why the engine did not answer."""

    all: tuple[Orphan, ...] = ()
    problem: EngineProblem | None = None

    @property
    def ours(self) -> list[Orphan]:
        return [each for each in self.all if not each.perhaps]

    def get(self, project: str) -> Orphan | None:
        return next((each for each in self.all if each.project == project), None)


def list_orphans(*, context: AppContext) -> Orphans:
    """Return all orphans, networks included, from the shared snapshot."""
    snapshot = context.snapshots.take()
    if snapshot.problem:
        return Orphans(problem=snapshot.problem)
    try:
        networks = context.networks.all()
    except EngineError as error:
        return Orphans(problem=EngineProblem(error.code, error.detail.rstrip(".")))
    return _found(snapshot, networks, context.store.scan(), context)


def list_orphans_now(*, context: AppContext) -> Orphans:
    """Return the current orphans, for a caller that removes them. Raises EngineError."""
    context.snapshots.outdate()
    context.networks.changed()
    found = list_orphans(context=context)
    if found.problem:
        raise engine_error(found.problem.code, found.problem.reason)
    return found


def last_seen_orphans(deployments: Iterable[Deployment], *, context: AppContext) -> Orphans:
    """Return the orphaned containers in the latest snapshot, without an engine call."""
    snapshot = context.snapshots.latest
    if snapshot is None or snapshot.problem:
        return Orphans()
    return _found(snapshot, (), deployments, context)


def _found(
    snapshot: Snapshot,
    networks: Iterable[Network],
    deployments: Iterable[Deployment],
    context: AppContext,
) -> Orphans:
    here = {each.id: each for each in deployments}
    unlisted = [each for each in snapshot.all if each.project not in here]
    ground = KnownFolders(
        roots=context.store.paths,
        pool=context.settings.subnet_pool,
        image=context.settings.image,
        deployments=here,
        archived=context.store.archive.ids() if unlisted or networks else frozenset(),
        existing=_existing_folders(unlisted, context),
    )
    found = find_orphans(snapshot.containers, networks, ground, datetime.now(UTC))
    return Orphans(tuple(found))


def _existing_folders(containers: Iterable[Container], context: AppContext) -> frozenset[str]:
    folders = {each.working_dir for each in containers}
    return frozenset(each for each in folders if each and _may_be_in_use(each, context))


def _may_be_in_use(folder: str, context: AppContext) -> bool:
    """Return whether a folder exists, or is missing from another server's deployments folder."""
    if _may_exist(folder):
        return True
    return not context.store.holds(folder) and _may_exist(f"{os.path.dirname(folder)}/{AGENT_DIR}")


def _may_exist(path: str) -> bool:
    """Return False only if a path certainly does not exist; an unreadable path may exist."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True
