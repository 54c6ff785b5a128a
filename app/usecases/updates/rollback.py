"""An update that was broken off: image and state go back to what they were before it.

An update is a transaction over two things that only make sense together: the image that
`.env` names, and the state in `config/`, which a newer OpenClaw rewrites at its first start
and an older one can't read any more. `workspace/` is left alone: no start touches it, and
what people and agents have made there is of no version.

`.deploy-agent/update/journal.json` says how far it is, and is written before each step:

    (none)    the image is pulled, the room on the disk is checked; nothing was touched
    copying   the gateway is taken down, and config/ is copied to before/
    trying    before/ is whole and on the disk; .env gets the new image, and the gateway
              is brought up with it, until the whole ladder is proven
    proven    before/ becomes kept/, and the journal goes

Whoever finds a journal with nobody at work knows what to do, since each way back is a
row of renames that does nothing where it was done: from `copying`, what was copied so far
is dropped; from `trying`, config/ becomes tried/, before/ becomes config/, `.env` gets its
image back, and tried/ is dropped; from `proven`, the rest is done. An update to the version
before is the same with kept/ for a new state: config/ becomes before/ and kept/ becomes
config/, and on the way back tried/ becomes kept/ again.

A launch, a restart and an update do this first (`put_back`). The image is the very one that
ran: by its name where that still means it, else by its digest or id (`name_of`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from app.core.deployment import Deployment
from app.core.diagnosis.causes import Cause
from app.core.operations.steps import Step
from app.core.settings.env_file import MAX_FILE_BYTES, with_value
from app.core.settings.env_parser import EnvFileError
from app.core.settings.fields import BY_NAME
from app.core.updates.journal import Journal, Kept, UpdateStage, Version
from app.store import history
from app.store import update_files as updates
from app.store.deployment_files import ENV_FILE
from app.store.file_writes import change_file
from app.store.files import Unreadable, read_file
from app.store.update_files import BEFORE, KEPT, STATE, TRIED, Hands, there
from app.usecases.context import AppContext
from app.usecases.lifecycle.stop import take_down
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import OperationContext
from app.usecases.updates.root_files import hands_for

IMAGE = BY_NAME["image"].env


def put_back(op: OperationContext) -> OperationContext | None:
    """Undo an update that was not proven; return the op on what the deployment is then.

    None where there is nothing to undo. Raises OperationFailed, ComposeFailed, EngineError,
    OSError; the journal stays then, and the next one tries again.
    """
    deployment, context = op.deployment, op.context
    folder = context.store.folder(deployment.id)
    journal = journal_of(deployment, context)
    if journal is None:
        return None
    hands = hands_for(folder, journal.before.id or journal.image)
    if journal.step is UpdateStage.PROVEN:
        keep(folder, journal, hands)
        return None
    op.step(Step.BACK, f"Going back from {journal.image}")
    if context.containers.of(deployment.id):
        take_down(op)
    give_back(folder, journal, hands)
    write_image(folder, name_of(journal.before, context))
    drop(folder, TRIED, hands)
    history.record(folder, "undo_update", op.operation.actor, image=journal.image)
    updates.end_journal(folder)
    return replace(op, deployment=context.store.load(deployment.id))


def journal_of(deployment: Deployment, context: AppContext) -> Journal | None:
    """Return the update that was broken off. Raises OperationFailed where that can't be told."""
    try:
        return updates.read_journal(context.store.folder(deployment.id))
    except ValueError as error:
        path = f"{deployment.folder}/.deploy-agent/update"
        raise OperationFailed(
            Cause(
                "update_unreadable",
                f"An update was broken off, and {path}/journal.json does not tell how far it was:"
                f" {error}.",
                f"The state before it is in {path}/before, if it is there. Put it where it belongs"
                " by hand, then remove the journal.",
            )
        ) from None


def keep(folder: Path, journal: Journal, hands: Hands) -> None:
    """Put the state before a proven update where it is kept until the next one."""
    if there(folder, BEFORE):
        drop(folder, KEPT, hands)
        hands.move(BEFORE, KEPT)
    updates.write_kept(folder, Kept(journal.before, journal.image, journal.at))
    updates.end_journal(folder)


def drop(folder: Path, name: str, hands: Hands) -> None:
    if there(folder, name):
        hands.remove(name)


def write_image(folder: Path, name: str) -> None:
    """Write the image into `.env`. Raises OperationFailed, OSError."""
    with _told_of(folder):
        change_file(folder / ENV_FILE, lambda env: with_value(env, IMAGE, name), MAX_FILE_BYTES)


def env_with_image(folder: Path, name: str) -> bytes:
    """Return `.env` as it is to be. Raises OperationFailed, OSError."""
    with _told_of(folder):
        return with_value(read_file(folder / ENV_FILE, MAX_FILE_BYTES), IMAGE, name)


@contextmanager
def _told_of(folder: Path) -> Iterator[None]:
    try:
        yield
    except (EnvFileError, Unreadable, FileNotFoundError) as error:
        words = f"The image could not be written into {folder}/.env: {error}."
        raise OperationFailed(Cause("env_unreadable", words, "Correct that file first.")) from None


def name_of(version: Version, context: AppContext) -> str:
    """Return the name that means a version's very image now. Raises EngineError."""
    named = context.images.find(version.image)
    moved = version.id and (named is None or named.id != version.id)
    return version.pin or version.id if moved else version.image


def give_back(folder: Path, journal: Journal, hands: Hands) -> None:
    """Put the state back that was there before an update that was not proven."""
    if journal.step is UpdateStage.COPYING:
        drop(folder, BEFORE, hands)
    elif there(folder, BEFORE):
        if there(folder, STATE):
            hands.move(STATE, TRIED)
        hands.move(BEFORE, STATE)
    if journal.returning and there(folder, TRIED) and not there(folder, KEPT):
        hands.move(TRIED, KEPT)
