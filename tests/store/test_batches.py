"""Batches on disk. A cancelled batch does not update the rest; a killed batch is interrupted."""

import os

import pytest

from app.config import Settings
from app.core.errors import NothingToCancel
from app.core.operations.operation import OperationState
from app.core.updates.batch import Batch
from app.store import batches
from app.usecases.context import AppContext
from app.usecases.updates.update_many import cancel_rest, find_batch, latest_batch, perform_batch

IDS = ("0123456789", "abcdefabcd")


@pytest.fixture
def begun(context: AppContext) -> tuple[Batch, int]:
    """A batch, with the lock that the batch's process would hold."""
    context.store.open()
    batches.batches_folder(context.store.root).mkdir()
    return batches.begin(context.store.root, IDS, "openclaw:2", "ana", "local")


def test_a_batch_whose_process_died_is_interrupted(
    context: AppContext, begun: tuple[Batch, int]
) -> None:
    batch, lock = begun
    assert latest_batch(context=context) == batch

    os.close(lock)

    found = find_batch(batch.number, context=context)
    assert (found.state, found.left) == (OperationState.INTERRUPTED, IDS)
    with pytest.raises(NothingToCancel):
        cancel_rest(batch.number, actor="ben", context=context)


def test_a_cancelled_batch_does_not_update_the_rest(
    context: AppContext, settings: Settings, begun: tuple[Batch, int]
) -> None:
    batch, lock = begun
    assert cancel_rest(batch.number, actor="ben", context=context).cancelled_by == "ben"

    perform_batch(batch.number, settings)
    os.close(lock)

    found = find_batch(batch.number, context=context)
    assert (found.state, found.begun) == (OperationState.CANCELLED, {})
    assert found.reason == "The rest was cancelled by ben."


def test_a_container_that_is_gone_ends_the_log_with_a_reason(
    context: AppContext, settings: Settings, begun: tuple[Batch, int]
) -> None:
    batch, lock = begun

    perform_batch(batch.number, settings)
    os.close(lock)

    found = find_batch(batch.number, context=context)
    assert found.state is OperationState.FAILED
    assert found.reason.startswith(f"“{IDS[0]}” was not updated: There is no deployment")


def test_the_last_ten_batches_are_kept_and_numbering_continues(
    context: AppContext, begun: tuple[Batch, int]
) -> None:
    os.close(begun[1])
    root = context.store.root
    for _ in range(11):
        os.close(batches.begin(root, IDS, "openclaw:2", "ana", "local")[1])

    assert len(list(batches.batches_folder(root).iterdir())) == 10
    latest = latest_batch(context=context)
    assert latest is not None
    assert latest.number == 12
