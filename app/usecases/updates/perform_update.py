"""Do an update. For its stages, and what is finished or undone after a crash: see `rollback.py`."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from app.core.operations.steps import Step
from app.core.settings.compose_file import SERVICE
from app.core.snapshot import Container, Run
from app.core.updates.journal import Journal, UpdateStage, Version
from app.engine.compose import compose_images
from app.engine.compose_call import ComposeFailed
from app.store import data_folders, update_files
from app.store.file_writes import write_file
from app.store.update_files import BEFORE, KEPT, STATE, TRIED, StateAccess
from app.usecases.context import AppContext
from app.usecases.lifecycle.launch import bring_up, pull_missing
from app.usecases.lifecycle.stop import take_down
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import OperationContext
from app.usecases.operations.transaction import DOWN, RUNS, run_transaction
from app.usecases.updates.rollback import (
    IMAGE,
    env_with_image,
    finish_or_undo,
    journal_of,
    keep_old_state,
    remove_if_exists,
    undo,
    write_image,
)
from app.usecases.updates.state_access import state_access

_CONFIG_SECONDS = 30.0
# Bytes that a gateway may write between the measuring of its state and the copying.
_SPARE_BYTES = 64 * 1024 * 1024


def perform_update(op: OperationContext) -> Run | None:
    """Do the update and return the verified run.

    Check all that can be checked while the gateway still runs. On any later failure, roll image and
    state back. Raise OperationFailed, ComposeFailed, EngineError, OSError, Cancelled.
    """
    interrupted = journal_of(op.deployment, op.context)
    op = finish_or_undo(op)
    update = _prepare(op, was_up=bool(interrupted and interrupted.was_up))
    update_files.write_journal(op.folder, update.journal)
    run = run_transaction(op, update)
    try:
        keep_old_state(op.folder, update.journal, update.access)
    except (OSError, ComposeFailed) as error:
        op.say(f"The old state could not be kept yet; the next launch keeps it: {error}")
    return run


@dataclass(slots=True)
class _Update:
    """The checked and prepared change of image and state."""

    journal: Journal
    access: StateAccess

    @property
    def old(self) -> str:
        return f"The old version, {self.journal.before.image} with its state,"

    def apply(self, op: OperationContext) -> Run:
        """Put state and image in place, bring the gateway up and verify it."""
        folder, journal = op.folder, self.journal
        if op.context.containers.of(op.deployment.id):
            take_down(op)
        op.step(Step.COPY, "Copying the state")
        if journal.returning:
            self.access.move(STATE, BEFORE)
            self.access.move(KEPT, STATE)
        else:
            with op.cancellation.allowed():
                self.access.copy(BEFORE)
            update_files.sync_state(folder)
            update_files.write_journal(folder, replace(journal, step=UpdateStage.TRYING))
        op.step(Step.WRITE, f"Writing {journal.image} into .env")
        write_image(folder, journal.image)
        run = bring_up(op.reloaded())
        update_files.write_journal(folder, replace(journal, step=UpdateStage.PROVEN))
        return run

    def roll_back(self, op: OperationContext) -> Sequence[str]:
        if journal := journal_of(op.deployment, op.context):
            image = undo(op, journal)
            self.journal = replace(journal, before=replace(journal.before, image=image))
        return ()

    def bring_back(self, op: OperationContext) -> tuple[str, Run | None]:
        return (RUNS, bring_up(op)) if self.journal.was_up else (DOWN, None)


def _prepare(op: OperationContext, *, was_up: bool) -> _Update:
    """Pull the image and check that the update is possible.

    Raise OperationFailed, ComposeFailed, EngineError, OSError, Cancelled.
    """
    folder, operation = op.folder, op.operation
    image, returning = operation.arguments["image"], "returning" in operation.arguments
    data_folders.make_missing(folder)
    update_files.open_updates(folder)
    with op.cancellation.allowed():
        old_image = _pull(op, image)
        gateway = op.gateway()
        version = _exact_version(old_image, gateway, op.context)
        access = state_access(folder, image)
        for left_over in (BEFORE, TRIED):
            remove_if_exists(folder, left_over, access)
        if returning:
            _require_kept_state(folder)
        else:
            _require_copyable_state(folder, access)
    journal = Journal(
        operation.number,
        UpdateStage.TRYING if returning else UpdateStage.COPYING,
        image,
        version,
        was_up or bool(gateway and gateway.is_up),
        returning,
        datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return _Update(journal, access)


def _pull(op: OperationContext, image: str) -> str:
    """Pull the new image and return the old image's name; `.env` is not changed."""
    folder, candidate = op.folder, op.folder / update_files.CANDIDATE
    op.step(Step.CHECK, "docker compose config")
    now = compose_images(folder, _CONFIG_SECONDS)
    try:
        write_file(candidate, env_with_image(folder, image))
        wanted = compose_images(folder, _CONFIG_SECONDS, candidate)
        service = SERVICE if SERVICE in wanted else next(iter(wanted), "")
        if wanted.get(service) != image:
            raise OperationFailed.of(
                "image_not_used",
                f"docker-compose.yml does not take the image from {IMAGE}:"
                f" the file says {wanted.get(service, 'nothing')}.",
                f"Write `image: ${{{IMAGE}:?set it in .env}}` in that file, then update again.",
            )
        pull_missing(op, wanted, candidate)
    finally:
        candidate.unlink(missing_ok=True)
    return now.get(service, "")


def _exact_version(name: str, gateway: Container | None, context: AppContext) -> Version:
    """Return the exact image that the gateway runs, or would run."""
    image = context.images.find(gateway.image_id if gateway else name)
    if image is None:
        return Version(name)
    return Version(name, image.id, image.pin(name), image.version)


def _require_kept_state(folder: Path) -> None:
    if not update_files.exists(folder, KEPT):
        words = "The state of the previous version is no longer there. Nothing was changed."
        raise OperationFailed.of("nothing_kept", words, "")


def _require_copyable_state(folder: Path, access: StateAccess) -> None:
    if not update_files.is_plain_folder(folder):
        raise OperationFailed.of(
            "state_elsewhere",
            f"{folder}/{STATE} is a link or on another disk, so a rollback could not put its"
            " state back in one move. Nothing was changed.",
            "Replace the link or mount by the folder itself, then update again.",
        )
    if update_files.shares_blocks(folder):
        return
    needed, free = access.size() + _SPARE_BYTES, shutil.disk_usage(folder).free
    if needed > free:
        raise OperationFailed.of(
            "no_room",
            f"The copy of the state takes {_megabytes(needed)}, and the disk has"
            f" {_megabytes(free)} left. Nothing was changed.",
            "Make room, then update again.",
        )


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"
