"""Purge: delete an archived deployment for good."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillGoingOn
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path

from app.core.errors import EngineError, InputRejected, NotPurged
from app.engine.compose import run_as_root
from app.engine.compose_call import ComposeFailed
from app.store import history
from app.store.archive import ArchivedDeployment
from app.store.storage_errors import storage_cause, storage_errors
from app.usecases.context import AppContext
from app.usecases.lifecycle.archive import find_archived
from app.usecases.lifecycle.restore import locked

# A page waits for at most this long. After that, the deletion continues and the archive shows it.
WAIT_SECONDS = 20.0
_CONTAINER_SECONDS = 60
_PURGES = ThreadPoolExecutor(2, thread_name_prefix="purge")

# Run as root in a temporary container: makes our user the owner of every folder, so that the
# folders can be emptied. Mounted folders, which have another mount id, are left alone.
_BECOME_OWNER = """
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
    """Raise InputRejected unless the typed text is the name of the archived deployment."""
    if typed.strip() != archived.label:
        raise InputRejected({"confirm": f"must be {archived.label}, written exactly so"})


def purge_archived(
    given: str, typed: str, *, actor: str, context: AppContext, wait: float | None = WAIT_SECONDS
) -> bool:
    """Delete an archived deployment, by id or folder name; return False if it takes longer.

    After a failure, the purge can be repeated. Raise NotFound, InputRejected, Busy, NotPurged,
    StorageFailed.
    """
    archived = find_archived(given, context=context)
    check_confirmed(archived, typed)
    _require_no_containers(archived, context)
    # Pass the context to the thread, so that the history names the request's address.
    purge: Future[None] = _PURGES.submit(copy_context().run, _purge, archived, actor, context)
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
    with locked(archived, context=context) as folder:
        with storage_errors("The deployment was not deleted."):
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
    """Delete a folder; if only the gateway's user may do that, make us its owner first."""
    purge = context.store.archive.purge
    try:
        try:
            purge(folder)
        except PermissionError:
            if os.geteuid() == 0:
                raise
            _become_owner(folder, archived, context)
            purge(folder)
    except OSError as error:
        raise NotPurged(
            f"Part of “{archived.label}” is left in {folder}. {storage_cause(error).sentence}"
            " Then delete the deployment again."
        ) from None


def _become_owner(folder: Path, archived: ArchivedDeployment, context: AppContext) -> None:
    """Make our user the owner of a folder, by a temporary container of an image on this host."""
    images = (archived.deployment.env.get("OPENCLAW_IMAGE"), context.settings.image)
    script = _BECOME_OWNER % {"uid": os.geteuid(), "gid": os.getegid()}
    try:
        image = next(each for each in images if each and context.images.id_of(each))
        run_as_root(image, folder, script, _CONTAINER_SECONDS)
    except (StopIteration, EngineError, ComposeFailed):
        raise NotPurged(
            f"Part of “{archived.label}” is left, owned by the gateway's user. The temporary"
            " container that changes the owner could not run. As root: rm -rf --one-file-system"
            f" {folder}"
        ) from None


def _require_no_containers(archived: ArchivedDeployment, context: AppContext) -> None:
    """Raise NotPurged if, by the engine, a container still uses the data."""
    if context.store.has(archived.deployment.id):
        return  # Any containers belong to the listed deployment of that id.
    try:
        containers = context.containers.of(archived.deployment.id)
    except EngineError:
        return  # The archiving took the containers down.
    if containers:
        names = ", ".join(each.name for each in containers)
        raise NotPurged(
            f"Containers of “{archived.label}” still exist: {names}. Remove them on the page"
            f" Orphans or with: docker compose -p {archived.deployment.id} down"
        )
