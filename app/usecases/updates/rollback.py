"""Rollback of an interrupted update: image and state as they were before the update.

An update changes two things that only work together: the image that `.env` names, and the
state in `config/`. A newer OpenClaw rewrites that state at its first start, and an older OpenClaw
can't read the rewritten state. `workspace/` is left alone: no start changes it, and the work of
people and agents in it belongs to no version.

`.deploy-agent/update/journal.json` has the stage, written before the work of the stage begins:

    (none)    the image is pulled, the room on the disk is checked; nothing is changed
    copying   the gateway is taken down, and config/ is copied to before/
    trying    before/ is complete and synced; .env gets the new image, and the gateway is
              brought up with the new image, until it passes every readiness check
    proven    before/ becomes kept/, and the journal is removed

After a crash, the stage tells how to recover. Each recovery is a series of renames that can be
repeated: from `copying`, remove the incomplete copy; from `trying`, config/ becomes tried/,
before/ becomes config/, `.env` gets its old image, and tried/ is removed; from `proven`, do the
remaining work. An update back to the previous version works the same way, with kept/ as the new
state: config/ becomes before/ and kept/ becomes config/; its rollback turns tried/ into kept/.

Launch, restart and update recover first (`finish_or_undo`). The image put back is exactly the one
that ran: by its name if the name still means that image, else by its digest or id
(`current_name`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.deployment import Deployment
from app.core.operations.steps import Step
from app.core.settings.env_file import MAX_FILE_BYTES, with_value
from app.core.settings.env_parser import EnvFileError
from app.core.settings.fields import BY_NAME
from app.core.updates.journal import Journal, KeptVersion, UpdateStage, Version
from app.store import history, update_files
from app.store.deployment_files import ENV_FILE
from app.store.file_writes import change_file
from app.store.files import Unreadable, read_file
from app.store.update_files import BEFORE, KEPT, STATE, TRIED, StateAccess, exists
from app.usecases.context import AppContext
from app.usecases.lifecycle.stop import take_down
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import OperationContext
from app.usecases.updates.state_access import state_access

IMAGE = BY_NAME["image"].env


def finish_or_undo(op: OperationContext) -> OperationContext:
    """Finish or undo an interrupted update; return the operation with the reloaded deployment.

    Raise OperationFailed, ComposeFailed, EngineError, OSError. The journal stays in that case, so
    that the next launch tries again.
    """
    journal = journal_of(op.deployment, op.context)
    if journal is None:
        return op
    if journal.step is UpdateStage.PROVEN:
        keep_old_state(op.folder, journal, _access_to(op.folder, journal))
        return op
    op.step(Step.BACK, f"Rolling back the update to {journal.image}")
    undo(op, journal)
    return op.reloaded()


def undo(op: OperationContext, journal: Journal) -> str:
    """Take the gateway down, put state and image back; return the image's name now in `.env`.

    Raise OperationFailed, ComposeFailed, EngineError, OSError. The journal stays in that case.
    """
    access = _access_to(op.folder, journal)
    if op.context.containers.of(op.deployment.id):
        take_down(op)
    restore_state(op.folder, journal, access)
    image = current_name(journal.before, op.context)
    write_image(op.folder, image)
    remove_if_exists(op.folder, TRIED, access)
    history.record(op.folder, "undo_update", op.operation.actor, image=journal.image)
    update_files.end_journal(op.folder)
    return image


def journal_of(deployment: Deployment, context: AppContext) -> Journal | None:
    """Return the journal of an interrupted update. Raise OperationFailed for a damaged one."""
    try:
        return update_files.read_journal(context.store.folder(deployment.id))
    except ValueError as error:
        path = f"{deployment.folder}/.deploy-agent/update"
        raise OperationFailed.of(
            "update_unreadable",
            f"An update was interrupted, and {path}/journal.json does not say how far the"
            f" update got: {error}.",
            f"The earlier state is in {path}/before, if that folder exists. Move the folder to"
            f" {deployment.folder}/{STATE} by hand, then remove the journal.",
        ) from None


def keep_old_state(folder: Path, journal: Journal, access: StateAccess) -> None:
    """Keep the state from before a verified update, until the next update; delete the journal."""
    if exists(folder, BEFORE):
        remove_if_exists(folder, KEPT, access)
        access.move(BEFORE, KEPT)
    update_files.write_kept(folder, KeptVersion(journal.before, journal.image, journal.at))
    update_files.end_journal(folder)


def remove_if_exists(folder: Path, name: str, access: StateAccess) -> None:
    if exists(folder, name):
        access.remove(name)


def write_image(folder: Path, name: str) -> None:
    """Write the image into `.env`. Raise OperationFailed, OSError."""
    with _env_readable(folder):
        change_file(folder / ENV_FILE, lambda env: with_value(env, IMAGE, name), MAX_FILE_BYTES)


def env_with_image(folder: Path, name: str) -> bytes:
    """Return `.env` with another image. Raise OperationFailed, OSError."""
    with _env_readable(folder):
        return with_value(read_file(folder / ENV_FILE, MAX_FILE_BYTES), IMAGE, name)


def current_name(version: Version, context: AppContext) -> str:
    """Return a name that currently means a version's exact image. Raise EngineError."""
    named = context.images.find(version.image)
    moved = version.id and (named is None or named.id != version.id)
    return version.pin or version.id if moved else version.image


def restore_state(folder: Path, journal: Journal, access: StateAccess) -> None:
    """Put back the state from before an unverified update."""
    if journal.step is UpdateStage.COPYING:
        remove_if_exists(folder, BEFORE, access)
    elif exists(folder, BEFORE):
        if exists(folder, STATE):
            access.move(STATE, TRIED)
        access.move(BEFORE, STATE)
    if journal.returning and exists(folder, TRIED) and not exists(folder, KEPT):
        access.move(TRIED, KEPT)


def _access_to(folder: Path, journal: Journal) -> StateAccess:
    return state_access(folder, journal.before.id or journal.image)


@contextmanager
def _env_readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except (EnvFileError, Unreadable, FileNotFoundError) as error:
        words = f"The image could not be written into {folder}/.env: {error}."
        raise OperationFailed.of("env_unreadable", words, "Correct .env first.") from None
