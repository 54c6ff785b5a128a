"""Stranded: what runs, or was left behind, on the engine without a deployment's folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.core.deployment import Deployment
from app.core.errors import EngineError, engine_error
from app.core.orphans import KnownFolders, Orphan, find_orphans
from app.core.snapshot import Container, EngineProblem, Network, Snapshot
from app.store.history import OURS
from app.usecases.context import AppContext


@dataclass(frozen=True, slots=True)
class Found:
    """What is stranded; with a `problem` the engine said nothing of it."""

    stranded: tuple[Orphan, ...] = ()
    problem: EngineProblem | None = None

    @property
    def ours(self) -> list[Orphan]:
        return [each for each in self.stranded if not each.perhaps]

    def get(self, project: str) -> Orphan | None:
        return next((each for each in self.stranded if each.project == project), None)


def list_stranded(*, context: AppContext) -> Found:
    """Return all that is stranded, networks too."""
    snapshot = context.containers.snapshot()
    if snapshot.problem:
        return Found(problem=snapshot.problem)
    try:
        networks = context.networks.all()
    except EngineError as error:
        return Found(problem=EngineProblem(error.code, error.detail.rstrip(".")))
    return _found(snapshot, networks, context.store.scan(), context)


def list_stranded_now(*, context: AppContext) -> Found:
    """Return what is stranded at this very moment, for who acts on it. Raises EngineError."""
    context.containers.changed()
    context.networks.changed()
    found = list_stranded(context=context)
    if found.problem:
        raise engine_error(found.problem.code, found.problem.reason)
    return found


def seen_stranded(deployments: Iterable[Deployment], *, context: AppContext) -> Found:
    """Return which containers are stranded, by what the engine said last: it is not asked."""
    snapshot = context.containers.latest
    if snapshot is None or snapshot.problem:
        return Found()
    return _found(snapshot, (), deployments, context)


def _found(
    snapshot: Snapshot,
    networks: Iterable[Network],
    deployments: Iterable[Deployment],
    context: AppContext,
) -> Found:
    here = {each.id: each for each in deployments}
    strays = [each for each in snapshot.all if each.project not in here]
    ground = KnownFolders(
        roots=context.store.paths,
        pool=context.settings.subnet_pool,
        image=context.settings.image,
        deployments=here,
        archived=context.store.archive.ids() if strays or networks else frozenset(),
        there=_there(strays, context),
    )
    found = find_orphans(snapshot.containers, networks, ground, datetime.now(UTC))
    return Found(tuple(found))


def _there(strays: Iterable[Container], context: AppContext) -> frozenset[str]:
    places = {each.working_dir for each in strays}
    return frozenset(each for each in places if each and _has_somebody(each, context))


def _has_somebody(place: str, context: AppContext) -> bool:
    """Say whether a folder is there, or would be another server's to miss."""
    if _is_there(place):
        return True
    return not context.store.holds(place) and _is_there(f"{os.path.dirname(place)}/{OURS}")


def _is_there(path: str) -> bool:
    """Say whether a folder is there, or may be: of what can't be looked at nothing is claimed."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True


def describe_stranded(stranded: Orphan) -> dict[str, Any]:
    """Return what is stranded as the API shows it."""
    return {
        "project": stranded.project,
        "kind": stranded.kind,
        "why": stranded.why,
        "perhaps": stranded.perhaps,
        "listed": stranded.deployment is not None,
        "containers": [
            {
                "name": each.name,
                "image": each.image,
                "state": each.state,
            }
            for each in stranded.containers
        ],
        "networks": [each.name for each in stranded.networks],
    }
