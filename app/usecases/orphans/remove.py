"""Remove orphans: stop them, keep their last words, delete their containers and networks."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field

from app.config import PROJECT
from app.core.deployment import is_id
from app.core.diagnosis.causes import last_words_of
from app.core.errors import EngineError, NotFound, NotOrphaned, NotRemoved, UserError
from app.core.orphans import Orphan
from app.core.secrets import Masker
from app.core.snapshot import Container
from app.engine.client import docker_environment
from app.engine.compose import compose_halt, compose_remove
from app.engine.compose_call import ComposeFailed
from app.store import history
from app.store.last_words import save_last_words
from app.store.storage_errors import storage_errors
from app.usecases.context import AppContext
from app.usecases.history.last_words import KEPT_LINES, build_last_words
from app.usecases.lifecycle.stop import stop_deployment
from app.usecases.operations.wait import wait_for
from app.usecases.orphans.orphans import list_orphans_now

# A page waits for at most this long. After that, the removal continues; the orphans page shows it.
WAIT_SECONDS = 20.0
_POOL = ThreadPoolExecutor(2, thread_name_prefix="orphans")


@dataclass(slots=True)
class Removal:
    """The outcome: the projects removed, the projects in progress, the projects failed and why."""

    removed: list[str] = field(default_factory=list)
    removing: list[str] = field(default_factory=list)
    refused: dict[str, UserError] = field(default_factory=dict)


def find_orphan(project: str, *, context: AppContext) -> Orphan:
    """Return the current orphan with this Compose project name.

    Raises NotFound, NotOrphaned, EngineError.
    """
    found = list_orphans_now(context=context)
    if orphan := found.get(project):
        return orphan
    if is_id(project) and context.store.has(project):
        raise NotOrphaned(
            f"{project} is a deployment with a folder, so it is no orphan."
            " Stop the deployment on its own page."
        )
    if context.containers.of(project) or context.networks.of(project):
        raise NotOrphaned(
            f"{project} is on this machine, but nothing shows that it belongs to Deploy Agent."
        )
    raise NotFound(f"There is no orphan {project}. Maybe the orphan was removed already.")


def remove_orphan(
    project: str, *, actor: str, context: AppContext, seconds: float | None = WAIT_SECONDS
) -> bool:
    """Remove one orphan; return False if the removal has not ended after `seconds`.

    Raises NotFound, NotOrphaned, NotRemoved, StorageFailed, Busy, StopFailed, EngineError.
    """
    removal = remove_orphans([project], actor=actor, context=context, seconds=seconds)
    for refused in removal.refused.values():
        raise refused
    return not removal.removing


def remove_orphans(
    projects: Iterable[str],
    *,
    actor: str,
    context: AppContext,
    seconds: float | None = WAIT_SECONDS,
) -> Removal:
    """Remove several orphans independently: a failure of one does not affect the others."""
    removals: dict[str, Future[bool]] = {
        # Copy the context, so that the thread records the caller's address in the history.
        each: _POOL.submit(copy_context().run, _remove, each, actor, context)
        for each in dict.fromkeys(projects)
    }
    wait(removals.values(), seconds)
    removal = Removal()
    for project, future in removals.items():
        if not future.done():
            removal.removing.append(project)
        elif error := future.exception():
            if not isinstance(error, UserError):
                raise error
            removal.refused[project] = error
        else:
            (removal.removed if future.result() else removal.removing).append(project)
    return removal


def _remove(project: str, actor: str, context: AppContext) -> bool:
    """Remove one orphan; return False if the stop operation for it has not ended yet."""
    try:
        orphan = find_orphan(project, context=context)
        if orphan.deployment:
            # The orphan's folder exists, so run an ordinary stop, which locks the folder.
            started = stop_deployment(project, actor=actor, context=context)
            return wait_for(started, context=context) is not None
        _remove_recorded(orphan, actor, context)
        return True
    finally:
        context.snapshots.outdate()
        context.networks.changed()
        context.live_updates.publish()


def _remove_recorded(orphan: Orphan, actor: str, context: AppContext) -> None:
    root, about = context.store.root, {"project": orphan.project, "parts": orphan.parts}
    with storage_errors("The orphan was not removed."):
        history.record(root, "remove stranded", actor, **about)
    try:
        _remove_parts(orphan, context)
    except UserError as failure:
        with suppress(OSError):
            history.record(root, "remove stranded failed", actor, **about, reason=failure.detail)
        raise
    with suppress(OSError):
        history.record(root, "remove stranded succeeded", actor, **about)


def _remove_parts(orphan: Orphan, context: AppContext) -> None:
    project, seconds = orphan.project, context.settings.stop_timeout
    environment = docker_environment(PROJECT, context.address)
    try:
        if orphan.containers:
            compose_halt(project, environment, seconds)
            for container in orphan.containers:
                _save_last_words(container, context)
            # Check again: somebody may have put the folder back while the containers stopped.
            find_orphan(project, context=context)
        compose_remove(project, environment, seconds)
    except ComposeFailed as error:
        reason = last_words_of(error.output, "Compose took too long")
        raise NotRemoved(f"{project}: {reason}. Try again.") from None
    left = [each.name for each in context.containers.of(project)]
    left += [each.name for each in context.networks.of(project)]
    if left:
        raise NotRemoved(f"These still exist: {', '.join(left)}. Try again.")


def _save_last_words(container: Container, context: AppContext) -> None:
    """Save a container's last words; a failure does not stop the removal."""
    if container.state == "created":
        return
    with suppress(EngineError, OSError):
        log = context.containers.logs(container.id, KEPT_LINES)
        said = context.containers.description(container.id)
        mask = Masker(context.containers.secrets_of(container))
        # The orphan's archived folder, or else the root folder.
        folder = context.store.archive.newest(container.project) or context.store.root
        save_last_words(folder, build_last_words(container.id, log, said, mask))
