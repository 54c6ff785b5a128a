"""Remove what is stranded: stop it, keep its last words, take its containers and networks away."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path

from app.config import PROJECT
from app.core.deployment import is_id
from app.core.diagnosis.causes import last_words_of
from app.core.errors import EngineError, NotFound, NotOrphaned, NotRemoved, UserError
from app.core.orphans import Orphan
from app.core.secrets import Masker
from app.core.snapshot import Container
from app.engine.client import docker_environment
from app.engine.compose import ComposeFailed, compose_halt, compose_remove
from app.store import history
from app.store.files import storage_errors
from app.store.last_words import keep_last_words
from app.usecases.context import AppContext
from app.usecases.history.last_words import KEPT_LINES, last_words_from
from app.usecases.lifecycle.stop import stop_deployment, wait_for_stop
from app.usecases.orphans.orphans import list_stranded_now

# A page is not kept waiting for longer; the removal goes on, and its page shows it.
WAIT_SECONDS = 20.0
_AT_ONCE = ThreadPoolExecutor(2, thread_name_prefix="stranded")


@dataclass(slots=True)
class Removal:
    """What came of it: what is gone, what is still going, and what was refused, by project."""

    removed: list[str] = field(default_factory=list)
    removing: list[str] = field(default_factory=list)
    refused: dict[str, UserError] = field(default_factory=dict)


def find_one(project: str, *, context: AppContext) -> Orphan:
    """Return what is stranded under a project's name, as of now.

    Raises NotFound, NotStranded, EngineError.
    """
    found = list_stranded_now(context=context)
    if stranded := found.get(project):
        return stranded
    if is_id(project) and context.store.has(project):
        raise NotOrphaned(
            f"{project} has its folder. What it does is shown on its own page, and can be stopped"
            " there."
        )
    if context.containers.of(project) or context.networks.of(project):
        raise NotOrphaned(f"{project} is on this machine, and nothing tells that it is ours.")
    raise NotFound(f"Nothing of {project} is stranded. It may have been removed already.")


def remove_stranded(
    project: str, *, actor: str, context: AppContext, seconds: float | None = WAIT_SECONDS
) -> bool:
    """Remove one project; say whether it is gone, or still going.

    Raises NotFound, NotStranded, NotRemoved, StorageFailed, Busy, StopFailed, EngineError.
    """
    removal = remove_many([project], actor=actor, context=context, seconds=seconds)
    for refused in removal.refused.values():
        raise refused
    return not removal.removing


def remove_many(
    projects: Iterable[str],
    *,
    actor: str,
    context: AppContext,
    seconds: float | None = WAIT_SECONDS,
) -> Removal:
    """Remove some, each by itself: one that is refused holds up none of the others."""
    begun: dict[str, Future[bool]] = {
        # The history names the address that the deed comes from, also beside its request.
        each: _AT_ONCE.submit(copy_context().run, _remove, each, actor, context)
        for each in dict.fromkeys(projects)
    }
    wait(begun.values(), seconds)
    removal = Removal()
    for project, future in begun.items():
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
    """Remove one project; say whether it is gone, or a stop of it still going."""
    try:
        stranded = find_one(project, context=context)
        if stranded.deployment:
            # Its folder is here: this is a stop like any other, with the folder's lock.
            started = stop_deployment(project, actor=actor, context=context)
            return wait_for_stop(started, context=context) is not None
        _remove_recorded(stranded, actor, context)
        return True
    finally:
        context.containers.changed()
        context.networks.changed()
        context.changes.beat()


def _remove_recorded(stranded: Orphan, actor: str, context: AppContext) -> None:
    root, about = context.store.root, {"project": stranded.project, "parts": stranded.parts}
    with storage_errors("It was not removed."):
        history.record(root, "remove stranded", actor, **about)
    try:
        _take_away(stranded, context)
    except UserError as failure:
        with suppress(OSError):
            history.record(root, "remove stranded failed", actor, **about, reason=failure.detail)
        raise
    with suppress(OSError):
        history.record(root, "remove stranded succeeded", actor, **about)


def _take_away(stranded: Orphan, context: AppContext) -> None:
    project, seconds = stranded.project, context.settings.stop_timeout
    environment = docker_environment(PROJECT, context.address)
    try:
        if stranded.containers:
            compose_halt(project, environment, seconds)
            for container in stranded.containers:
                _keep_words(container, context)
            # Somebody may have put its folder back meanwhile.
            find_one(project, context=context)
        compose_remove(project, environment, seconds)
    except ComposeFailed as error:
        said = last_words_of(error.output) or "Compose took too long"
        raise NotRemoved(f"{project}: {said}. Try again.") from None
    left = [each.name for each in context.containers.of(project)]
    left += [each.name for each in context.networks.of(project)]
    if left:
        raise NotRemoved(f"There is still {', '.join(left)}. Try again.")


def _keep_words(container: Container, context: AppContext) -> None:
    """Keep what it said; where that can't be had, it holds nothing up."""
    if container.state == "created":
        return
    with suppress(EngineError, OSError):
        log = context.containers.logs(container.id, KEPT_LINES)
        said = context.containers.description(container.id)
        mask = Masker(context.containers.secrets_of(container))
        folder = words_folder(container.project, context=context)
        keep_last_words(folder, last_words_from(container.id, log, said, mask))


def words_folder(project: str, *, context: AppContext) -> Path:
    """Return whose last words those of a stranded one are: its archived folder's, or all's."""
    return context.store.archive.newest(project) or context.store.root
