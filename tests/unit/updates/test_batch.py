"""A batch: the result of each update, and its record on disk."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.core.operations.operation import OperationState
from app.core.updates.batch import Batch, batch_from_json, progress_to_json, request_to_json

FIRST, SECOND, THIRD = "0123456789", "abcdefabcd", "aaaaaaaaaa"
RUNS = Batch(
    3,
    (FIRST, SECOND, THIRD),
    "openclaw:2",
    "ana",
    "local",
    datetime(2026, 11, 24, tzinfo=UTC),
    OperationState.RUNNING,
    {FIRST: 0, SECOND: 7},
)


@pytest.mark.parametrize(
    ("batch", "turns"),
    [
        (RUNS, ["already ran this image", "is being updated", "waits for its turn"]),
        (
            replace(RUNS, cancelled_by="ben"),
            ["already ran this image", "is being updated", "left as it is"],
        ),
        (
            replace(RUNS, state=OperationState.FAILED, failed=SECOND),
            ["already ran this image", "was not updated", "left as it is"],
        ),
        (
            replace(RUNS, state=OperationState.FAILED, failed=THIRD),
            ["already ran this image", "updated", "was not updated"],
        ),
        (
            replace(RUNS, state=OperationState.INTERRUPTED),
            ["already ran this image", "is still being updated", "left as it is"],
        ),
    ],
)
def test_the_result_of_each_update_of_a_batch_is_shown(batch: Batch, turns: list[str]) -> None:
    assert [batch.turn_of(each) for each in batch.ids] == turns


def test_a_batch_record_is_read_back_unchanged() -> None:
    ended = replace(
        RUNS, state=OperationState.FAILED, reason="why", failed=SECOND, ended_at=RUNS.started_at
    )

    assert batch_from_json(3, request_to_json(ended), progress_to_json(ended)) == ended


@pytest.mark.parametrize("damaged", [b"", b"{}", b"[]", b"null", b'{"state": "running"}'])
def test_a_damaged_record_is_not_a_batch(damaged: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        batch_from_json(3, request_to_json(RUNS), damaged)
