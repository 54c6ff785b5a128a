"""Update several deployments to one image, one after the other, up to the first failure."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from app.config import Settings
from app.core.deployment import parse_id
from app.core.errors import (
    AlreadyRunsImage,
    Busy,
    InputRejected,
    NotFound,
    NothingToCancel,
    UserError,
)
from app.core.operations.operation import OperationState
from app.core.updates.batch import Batch
from app.store import batches, history
from app.store.locks import waiting_for
from app.store.storage_errors import storage_errors
from app.usecases.context import AppContext, build_context
from app.usecases.lifecycle.launch import require_launchable
from app.usecases.operations.operations import failure_of, operation_of
from app.usecases.operations.process import spawn
from app.usecases.updates.update import checked_image, update_deployment

_MOST = 200


def update_many(ids: Sequence[str], image: str, *, actor: str, context: AppContext) -> Batch:
    """Start a batch of updates, in a process that outlives the server.

    Raise NotFound, InputRejected, DeploymentInvalid, Busy, StorageFailed.
    """
    wanted, chosen = checked_image(image), tuple(dict.fromkeys(map(parse_id, ids)))
    if not 1 <= len(chosen) <= _MOST:
        raise InputRejected({"deployment_ids": f"must name between 1 and {_MOST} deployments"})
    for each in chosen:
        require_launchable(context.store.load(each), f"updated, nor were the others ({each})")
    with storage_errors("Nothing was updated."):
        batch, lock = _begin(chosen, wanted, actor, context)
        trace = batches.batches_folder(context.store.root) / str(batch.number) / "trace"
        try:
            spawn("app.batch", str(batch.number), lock=lock, trace=trace, context=context)
        finally:
            os.close(lock)
    return batch


def _begin(ids: tuple[str, ...], image: str, actor: str, context: AppContext) -> tuple[Batch, int]:
    """Record a batch; return it with the descriptor of the batch's lock. Raise Busy, OSError."""
    context.store.open()
    root = context.store.root
    folder = batches.batches_folder(root)
    folder.mkdir(mode=0o700, exist_ok=True)
    with waiting_for(folder):
        running = batches.latest(root)
        if running and running.is_running:
            raise Busy(
                f"{running.actor} is updating several deployments already;"
                f" {len(running.left)} of them wait for their turn."
                " Wait for the end of that batch, or cancel its rest."
            )
        return batches.begin(root, ids, image, actor, history.source_address.get())


def latest_batch(*, context: AppContext) -> Batch | None:
    return batches.latest(context.store.root)


def find_batch(number: int, *, context: AppContext) -> Batch:
    """Return one batch. Raise NotFound."""
    found = batches.read_batch(context.store.root, number)
    if found is None:
        raise NotFound(f"There is no batch of updates with the number {number}.")
    return found


def cancel_rest(number: int, *, actor: str, context: AppContext) -> Batch:
    """Cancel the updates of a batch that have not begun.

    An update that has begun continues; it can be cancelled on its own. Raise NotFound,
    NothingToCancel, StorageFailed.
    """
    batch = find_batch(number, context=context)
    if not batch.is_running:
        raise NothingToCancel("This batch has ended already.")
    with storage_errors("Nothing was cancelled."):
        batches.ask_to_cancel(context.store.root, number, actor)
    context.live_updates.publish()
    return find_batch(number, context=context)


def perform_batch(number: int, settings: Settings) -> None:
    """Update the deployments of a batch, in its own process; record each before it begins."""
    context = build_context(settings)
    batch = find_batch(number, context=context)
    history.source_address.set(batch.source)
    for deployment_id in batch.ids:
        if who := find_batch(number, context=context).cancelled_by:
            return _end(
                batch, OperationState.CANCELLED, f"The rest was cancelled by {who}.", context
            )
        batch, problem = _update_one(batch, deployment_id, context)
        if problem:
            failed = replace(batch, failed=deployment_id)
            return _end(failed, OperationState.FAILED, problem, context)
    return _end(batch, OperationState.SUCCEEDED, "", context)


def _update_one(batch: Batch, deployment_id: str, context: AppContext) -> tuple[Batch, str]:
    """Update one deployment; return the batch, and why the update failed or an empty string."""
    name = deployment_id
    try:
        name = context.store.load(deployment_id).name or deployment_id
        started = update_deployment(deployment_id, batch.image, actor=batch.actor, context=context)
    except AlreadyRunsImage:
        return _noted(batch, deployment_id, 0, context), ""
    except UserError as error:
        return batch, f"“{name}” was not updated: {error.detail}"
    batch = _noted(batch, deployment_id, started.operation.number, context)
    started.process.wait()
    ended = operation_of(deployment_id, started.operation.number, context=context)
    if ended.state is OperationState.SUCCEEDED:
        return batch, ""
    return batch, f"“{name}” was not updated: {failure_of(ended)}"


def _noted(batch: Batch, deployment_id: str, operation: int, context: AppContext) -> Batch:
    batch = replace(batch, begun={**batch.begun, deployment_id: operation})
    batches.note(context.store.root, batch)
    return batch


def _end(batch: Batch, state: OperationState, reason: str, context: AppContext) -> None:
    ended = replace(batch, state=state, reason=reason, ended_at=datetime.now(UTC))
    batches.note(context.store.root, ended)
