"""Restore: move an archived deployment back, with its own port or, if taken, a free port."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.core.deployment import Deployment
from app.core.errors import Busy, EngineError, InputRejected, NotFound, NotRestored
from app.core.settings.compose_file import with_subnet
from app.core.settings.env_file import MAX_FILE_BYTES, with_value
from app.core.settings.openclaw_config import (
    ConfigUnreadable,
    format_config,
    parse_config,
    with_port,
)
from app.core.settings.ports import subnet_of
from app.engine.compose_call import ComposeFailed
from app.store import data_folders, history
from app.store.archive import ArchivedDeployment
from app.store.deployment_files import COMPOSE_FILE, ENV_FILE, read_deployment
from app.store.file_writes import change_file
from app.store.files import Unreadable
from app.store.locks import Locked
from app.store.storage_errors import storage_errors
from app.usecases.context import AppContext
from app.usecases.lifecycle.archive import find_archived
from app.usecases.lifecycle.data_folders import read_openclaw_config, write_openclaw_config
from app.usecases.settings.ports import free_port, port_problem


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored deployment. `remarks` are sentences about what differs from before."""

    deployment: Deployment
    remarks: tuple[str, ...]

    @property
    def words(self) -> str:
        port = f", with port {self.deployment.port}" if self.deployment.port else ""
        return " ".join((f"“{self.deployment.label}” is back{port}.", *self.remarks))


def restore_archived(given: str, *, actor: str, context: AppContext) -> Restored:
    """Move an archived deployment, by id or folder name, back into the list; don't launch it.

    First write the port into the files, so that the restore itself is one rename.
    Raise NotFound, InputRejected, Busy, NotRestored, StorageFailed.
    """
    archived = find_archived(given, context=context)
    deployment_id = archived.deployment.id
    if archived.purging:
        raise NotRestored(f"Part of “{archived.label}” was deleted already. Delete the rest.")
    with (
        storage_errors("The deployment was not restored."),
        context.store.creation_lock(),
        locked(archived, context=context) as folder,
    ):
        if context.store.has(deployment_id):
            raise NotRestored(
                f"A deployment {deployment_id} is in the list already, and nothing is replaced."
                " Archive that one first, or move its folder away."
            )
        remarks = _adapt(folder, read_deployment(folder, deployment_id), actor, context)
        context.store.archive.restore(folder, deployment_id)
    context.live_updates.publish()
    return Restored(context.store.load(deployment_id), tuple(remarks))


@contextmanager
def locked(archived: ArchivedDeployment, *, context: AppContext) -> Iterator[Path]:
    """Lock an archived folder and yield its path. Raise Busy, NotFound."""
    try:
        with context.store.archive.locked(archived.name) as folder:
            yield folder
    except Locked:
        raise Busy(
            f"Somebody works on “{archived.label}” right now. Try again in a moment."
        ) from None
    except FileNotFoundError:
        raise NotFound(f"“{archived.label}” is not in the archive any more.") from None


def _adapt(folder: Path, deployment: Deployment, actor: str, context: AppContext) -> list[str]:
    """Write a free port into an archived folder's files; return the changes, in sentences.

    Leave a folder as it is if its `.env` can't be understood.
    """
    before = deployment.port
    if deployment.problem or before is None:
        history.record(folder, "restore", actor)
        return []
    problem = port_problem(before, context)
    port = _another_port(before, problem, context) if problem else before
    history.record(
        folder, "restore", actor, **({"port": port, "port_before": before} if problem else {})
    )
    _write_subnet(folder, port, context)
    if problem:
        change_file(
            folder / ENV_FILE, lambda env: with_value(env, "PORT", str(port)), MAX_FILE_BYTES
        )
    moved = _move_origins(folder, deployment, port, context, needed=bool(problem))
    remarks = (
        [f"Port {before} {problem}, so the deployment has port {port} now."] if problem else []
    )
    if not moved:
        remarks.append(
            "config/openclaw.json could not be changed. After a launch, the deployment's page says"
            " whether a name has to be allowed."
        )
    return remarks


def _another_port(before: int, problem: str, context: AppContext) -> int:
    try:
        return free_port(context)
    except InputRejected as rejected:
        raise NotRestored(
            f"Port {before} {problem}, and {' '.join(rejected.fields.values())}."
        ) from None


def _write_subnet(folder: Path, port: int, context: AppContext) -> None:
    """Write the port's subnet into the compose file, if the file has one of our subnets."""
    pool = context.settings.subnet_pool
    with suppress(FileNotFoundError, Unreadable, UnicodeDecodeError):
        change_file(
            folder / COMPOSE_FILE,
            lambda data: with_subnet(data.decode(), subnet_of(port, pool), pool).encode(),
        )


def _move_origins(
    folder: Path, deployment: Deployment, port: int, context: AppContext, *, needed: bool
) -> bool:
    """Allow the gateway's page at its new port, under the same names; return whether that worked.

    Start a container for the change only if `needed`.
    """
    try:
        if not (needed or data_folders.may_access_config(folder)):
            return True
        image = deployment.env.get("OPENCLAW_IMAGE") or context.settings.image
        data = read_openclaw_config(folder, image)
        config = parse_config(data) if data else {}
        changed = with_port(config, port)
        if changed != config:
            write_openclaw_config(folder, image, format_config(changed))
    except FileNotFoundError:
        return True  # Without a config folder there is nothing to change.
    except (ComposeFailed, Unreadable, ConfigUnreadable, EngineError):
        return not needed
    return True
