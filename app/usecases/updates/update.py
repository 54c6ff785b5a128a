"""Update: another image, with the state that goes with it, or image and state as they were.

How it stays whole when it is broken off stands in `unfinished.py`.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from app.core.deployment import Deployment
from app.core.diagnosis.causes import Cause
from app.core.errors import AlreadyRunsImage, InputRejected, NoPreviousVersion, UpdateFailed
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import NOT_BACK, Operation
from app.core.operations.steps import Step
from app.core.settings.compose_file import SERVICE
from app.core.settings.field_checks import ValueRejected, check_value
from app.core.snapshot import Container, Run
from app.core.updates.journal import Journal, Kept, UpdateStage, Version
from app.engine.compose import ComposeFailed, compose_images
from app.store import data_folders
from app.store import update_files as updates
from app.store.file_writes import write_file
from app.store.update_files import BEFORE, KEPT, STATE, TRIED, Hands
from app.usecases.context import AppContext
from app.usecases.lifecycle.launch import bring_up, pull_missing, refuse_what_cant_launch
from app.usecases.lifecycle.stop import take_down
from app.usecases.operations.failures import OperationFailed, cause_of
from app.usecases.operations.operation_context import Cancellation, Cancelled, OperationContext
from app.usecases.operations.start import Started, start_operation
from app.usecases.operations.wait import wait_for
from app.usecases.status.causes import compose_cause
from app.usecases.updates.rollback import (
    IMAGE,
    drop,
    env_with_image,
    journal_of,
    keep,
    name_of,
    put_back,
    write_image,
)
from app.usecases.updates.root_files import hands_for

_CONFIG_SECONDS = 30.0
# What a gateway may still write between the count and its end.
_SPARE_BYTES = 64 * 1024 * 1024


def update_deployment(
    deployment_id: str, image: str, *, actor: str, context: AppContext
) -> Started:
    """Start the update to an image, by tag or digest; one that is down is launched with it.

    Raises NotFound, InputRejected, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    refuse_what_cant_launch(deployment, "updated")
    wanted = checked_image(image)
    gateway = deployment.gateway_in(context.containers.of(deployment_id))
    found = context.images.find(wanted)
    if gateway and found and found.id == gateway.image_id and deployment.env.get(IMAGE) == wanted:
        raise AlreadyRunsImage({"image": "is what it runs already; a restart needs no update"})
    return _start(deployment, {"image": wanted}, actor, context)


def go_back(deployment_id: str, *, actor: str, context: AppContext) -> Started:
    """Start the update to the version before, with its kept state; today's is kept then.

    Raises NotFound, NothingKept, DeploymentInvalid, Busy, StorageFailed, EngineError.
    """
    deployment = context.store.load(deployment_id)
    refuse_what_cant_launch(deployment, "updated")
    kept = kept_of(deployment, context=context)
    if kept is None:
        raise NoPreviousVersion(
            "No state of a version before is kept: there was no update yet. An update keeps it."
        )
    context.containers.of(deployment_id)
    arguments = {"image": name_of(kept.version, context), "returning": "true"}
    return _start(deployment, arguments, actor, context)


def kept_of(deployment: Deployment, *, context: AppContext) -> Kept | None:
    """Return the version before the last update."""
    return updates.read_kept(context.store.folder(deployment.id))


def checked_image(given: str) -> str:
    """Return an image's name as it is written. Raises InputRejected."""
    try:
        if wanted := check_value("image", given):
            return wanted
    except ValueRejected as wrong:
        raise InputRejected({"image": str(wrong)}) from None
    raise InputRejected({"image": "is needed"})


def wait_for_update(started: Started, *, context: AppContext) -> Operation | None:
    """Return how an update ended, or None where it is still going on. Raises UpdateFailed."""
    return wait_for(started, lambda ended: UpdateFailed, context=context)


def _start(
    deployment: Deployment, arguments: dict[str, str], actor: str, context: AppContext
) -> Started:
    return start_operation(
        OperationKind.UPDATE, deployment, actor=actor, context=context, arguments=arguments
    )


def perform_update(op: OperationContext) -> Run:
    """Do the update and return the run that was proven to work.

    What can be known beforehand fails it while the gateway still runs. After that, whatever
    breaks it off, image and state go back. Raises OperationFailed, EngineError, Cancelled.
    """
    broken_off = journal_of(op.deployment, op.context)
    try:
        op = put_back(op) or op
        update = _prepared(op, was_up=bool(broken_off and broken_off.was_up))
    except ComposeFailed as error:
        raise OperationFailed(compose_cause(error, op.deployment, op.context)) from None
    updates.write_journal(update.folder, update.journal)
    try:
        run = _try(op, update)
        updates.write_journal(update.folder, replace(update.journal, step=UpdateStage.PROVEN))
    except BaseException as failure:
        raise _gone_back(op, update.journal, failure) from failure
    try:
        keep(update.folder, update.journal, update.hands)
    except (OSError, ComposeFailed) as error:
        op.say(f"The state before could not be put away, which the next launch does: {error}")
    return run


@dataclass(frozen=True, slots=True)
class _Update:
    """An update of which all is known, and nothing done."""

    folder: Path
    journal: Journal
    hands: Hands


def _prepared(op: OperationContext, *, was_up: bool) -> _Update:
    """See that the update can be made, and pull its image.

    Raises OperationFailed, ComposeFailed, EngineError, OSError.
    """
    deployment, context, operation = op.deployment, op.context, op.operation
    folder, image = context.store.folder(deployment.id), operation.arguments["image"]
    returning = "returning" in operation.arguments
    data_folders.make_missing(folder)
    updates.open_updates(folder)
    with op.cancellation.allowed():
        before = _pulled(op, folder, image)
        gateway = deployment.gateway_in(context.containers.of(deployment.id))
        version = _version(before, gateway, context)
        hands = hands_for(folder, image)
        for left in (BEFORE, TRIED):
            drop(folder, left, hands)
        if returning:
            _refuse_what_is_not_kept(folder)
        else:
            _refuse_what_cant_be_copied(folder, hands)
    return _Update(
        folder,
        Journal(
            operation.number,
            UpdateStage.TRYING if returning else UpdateStage.COPYING,
            image,
            version,
            was_up or bool(gateway and gateway.is_up),
            returning,
            datetime.now(UTC).isoformat(timespec="seconds"),
        ),
        hands,
    )


def _pulled(op: OperationContext, folder: Path, image: str) -> str:
    """Pull the new image and return the name of the present one; `.env` is not touched."""
    candidate = folder / updates.CANDIDATE
    op.step(Step.CHECK, "docker compose config")
    now = compose_images(folder, _CONFIG_SECONDS)
    try:
        write_file(candidate, env_with_image(folder, image))
        wanted = compose_images(folder, _CONFIG_SECONDS, candidate)
        service = SERVICE if SERVICE in wanted else next(iter(wanted), "")
        if wanted.get(service) != image:
            raise OperationFailed(
                Cause(
                    "image_not_used",
                    f"Its docker-compose.yml does not take its image from {IMAGE}:"
                    f" it says {wanted.get(service, 'nothing')}.",
                    f"Write `image: ${{{IMAGE}:?set it in .env}}` there, then update again.",
                )
            )
        pull_missing(op, wanted, candidate)
    finally:
        candidate.unlink(missing_ok=True)
    return now.get(service, "")


def _version(name: str, gateway: Container | None, context: AppContext) -> Version:
    """Return the very image that a gateway runs, or would run."""
    image = context.images.find(gateway.image_id if gateway else name)
    if image is None:
        return Version(name)
    return Version(name, image.id, image.pin(name), image.version)


def _refuse_what_is_not_kept(folder: Path) -> None:
    if not updates.there(folder, KEPT):
        words = "The state of the version before is not there any more. Nothing was changed."
        raise OperationFailed(Cause("nothing_kept", words, ""))


def _refuse_what_cant_be_copied(folder: Path, hands: Hands) -> None:
    if not updates.is_plain_folder(folder):
        raise OperationFailed(
            Cause(
                "state_elsewhere",
                f"{folder}/{STATE} is a link or another disk, so its state can't be put back in"
                " one move. Nothing was changed.",
                "Put the folder itself there, then update again.",
            )
        )
    if updates.shares_blocks(folder):
        return
    needed, free = hands.size() + _SPARE_BYTES, updates.free_bytes(folder)
    if needed > free:
        raise OperationFailed(
            Cause(
                "no_room",
                f"The copy of its state takes {_megabytes(needed)}, and the disk has"
                f" {_megabytes(free)} left. Nothing was changed.",
                "Make room, then update again.",
            )
        )


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"


def _try(op: OperationContext, update: _Update) -> Run:
    """Put state and image in place and return the run that is proven."""
    folder, journal, hands = update.folder, update.journal, update.hands
    if op.context.containers.of(op.deployment.id):
        take_down(op)
    op.step(Step.COPY, "Copying the state")
    if journal.returning:
        hands.move(STATE, BEFORE)
        hands.move(KEPT, STATE)
    else:
        with op.cancellation.allowed():
            hands.copy(BEFORE)
        updates.sync_state(folder)
        updates.write_journal(folder, replace(journal, step=UpdateStage.TRYING))
    op.step(Step.WRITE, f"Writing {journal.image} into .env")
    write_image(folder, journal.image)
    return bring_up(replace(op, deployment=op.context.store.load(op.deployment.id)))


def _gone_back(op: OperationContext, journal: Journal, failure: BaseException) -> BaseException:
    """Go back and return the failure with how that went. Nobody cancels this."""
    cause = cause_of(failure, op)
    if cause.words:
        op.say(cause.sentence)
    quiet = replace(op, cancellation=Cancellation(lambda: False))
    try:
        words, next_step, run = _back(quiet, journal)
    except Exception as error:  # noqa: BLE001 - whatever it is, the failure before it is told too
        said = cause_of(error, op).words or repr(error)
        words = f"{cause.words} Image and state could not be put back: {said}"
        return OperationFailed(
            Cause(NOT_BACK, words.strip(), "Launch it: that tries again to put them back.")
        )
    if isinstance(failure, Cancelled):
        return Cancelled(words, run)
    if cause.code:
        more = f"{cause.words} {words}"
        return OperationFailed(Cause(cause.code, more, next_step or cause.next_step), run)
    return failure


def _back(op: OperationContext, journal: Journal) -> tuple[str, str, Run | None]:
    """Return how the way back went, what to do about it, and the run that is proven.

    Raises what hinders it.
    """
    back = put_back(op) or op
    name = back.deployment.env.get(IMAGE) or journal.before.image
    if not journal.was_up:
        return f"It is back on {name} with the state that it had, and down as before.", "", None
    try:
        run = bring_up(back)
    except Exception as error:  # noqa: BLE001
        again = cause_of(error, op)
        words = f"It is back on {name} with the state that it had, but does not come up:"
        return f"{words} {again.words or repr(error)}", again.next_step, None
    return f"It is back on {name} with the state that it had, and runs.", "", run
