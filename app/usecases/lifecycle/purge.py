"""Purge: delete an archived deployment for good."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillGoingOn
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path

from app.core.errors import EngineError, InputRejected, NotPurged
from app.engine.compose import ComposeFailed, run_as_root
from app.store import history
from app.store.archive import ArchivedDeployment
from app.store.storage_errors import storage_cause, storage_errors
from app.usecases.context import AppContext
from app.usecases.lifecycle.archive import find_archived
from app.usecases.lifecycle.restore import held

# A page is not kept waiting for longer; the deletion goes on, and the archive shows it.
WAIT_SECONDS = 20.0
_CONTAINER_SECONDS = 60
_AT_ONCE = ThreadPoolExecutor(2, thread_name_prefix="purge")

# Makes every folder ours to empty, from within a short container as root. What something
# is mounted on is left alone: its mount id is another.
_TAKE = """
const fs = require("fs"), {O_RDONLY, O_NOFOLLOW, O_DIRECTORY} = fs.constants;
const mount = (file) => /mnt_id:\\s*(\\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${file}`))[1];
const take = (path, within) => {
  const folder = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_DIRECTORY), here = mount(folder);
  if (here === (within ?? here)) {
    fs.fchownSync(folder, %(uid)d, %(gid)d);
    fs.fchmodSync(folder, 0o700);
    const inside = `/proc/self/fd/${folder}`;
    for (const each of fs.readdirSync(inside, {withFileTypes: true}))
      if (each.isDirectory()) take(`${inside}/${each.name}`, here);
  }
  fs.closeSync(folder);
};
take("/deployment");
"""


def check_confirmed(archived: ArchivedDeployment, typed: str) -> None:
    """Raises InputRejected where something else was typed than what is to be deleted."""
    if typed.strip() != archived.label:
        raise InputRejected({"confirm": f"must be {archived.label}, written exactly so"})


def purge_archived(
    given: str, typed: str, *, actor: str, context: AppContext, wait: float | None = WAIT_SECONDS
) -> bool:
    """Delete what is archived under an id or name; say whether it is gone, or still going.

    What failed midway can be purged again. Raises NotFound, InputRejected, Busy,
    NotPurged, StorageFailed.
    """
    archived = find_archived(given, context=context)
    check_confirmed(archived, typed)
    _refuse_what_runs(archived, context)
    # The history names the address that the deed comes from, also beside its request.
    purge: Future[None] = _AT_ONCE.submit(copy_context().run, _purge, archived, actor, context)
    try:
        purge.result(wait)
    except StillGoingOn:
        return False
    finally:
        context.live_updates.publish()
    return True


def _purge(archived: ArchivedDeployment, actor: str, context: AppContext) -> None:
    about = {"deployment": archived.deployment.id, "name": archived.deployment.name}
    root = context.store.root
    with held(archived, context=context) as folder:
        with storage_errors("It was not deleted."):
            history.record(root, "purge", actor, **about)
            folder = context.store.archive.begin_purge(folder)
        try:
            _delete(folder, archived, context)
        except NotPurged as failure:
            with suppress(OSError):
                history.record(root, "purge failed", actor, **about, reason=failure.detail)
            raise
        with suppress(OSError):
            history.record(root, "purge succeeded", actor, **about)


def _delete(folder: Path, archived: ArchivedDeployment, context: AppContext) -> None:
    """Delete a folder; what only the gateway's user may empty is made ours first."""
    purge = context.store.archive.purge
    try:
        try:
            purge(folder)
        except PermissionError:
            if os.geteuid() == 0:
                raise
            _take(folder, archived, context)
            purge(folder)
    except OSError as error:
        raise NotPurged(
            f"Part of “{archived.label}” is left in {folder}. {storage_cause(error).sentence}"
            " Then delete it again."
        ) from None


def _take(folder: Path, archived: ArchivedDeployment, context: AppContext) -> None:
    """Make a folder ours by a short container of an image that is on this host."""
    images = (archived.deployment.env.get("OPENCLAW_IMAGE"), context.settings.image)
    script = _TAKE % {"uid": os.geteuid(), "gid": os.getegid()}
    try:
        image = next(each for each in images if each and context.images.id_of(each))
        run_as_root(image, folder, script, _CONTAINER_SECONDS)
    except (StopIteration, EngineError, ComposeFailed):
        raise NotPurged(
            f"Part of “{archived.label}” is left: it belongs to the gateway's user, and the short"
            " container that would hand it over could not run. As root: rm -rf --one-file-system"
            f" {folder}"
        ) from None


def _refuse_what_runs(archived: ArchivedDeployment, context: AppContext) -> None:
    """Refuse to delete the data under a container's feet, where the engine knows of one."""
    if context.store.has(archived.deployment.id):
        return  # The listed folder of that id has them.
    try:
        containers = context.containers.of(archived.deployment.id)
    except EngineError:
        return  # They were down when it was archived.
    if containers:
        names = ", ".join(each.name for each in containers)
        raise NotPurged(
            f"{names} is still there. Remove it first, on the page Stranded or with:"
            f" docker compose -p {archived.deployment.id} down"
        )
