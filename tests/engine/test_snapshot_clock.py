"""A snapshot's age is measured with the monotonic clock."""

from datetime import UTC, datetime, timedelta

import pytest

from app.engine import snapshots
from app.usecases.context import AppContext


@pytest.mark.parametrize("moved", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_moved_clock_does_not_invalidate_snapshots(
    context: AppContext, monkeypatch: pytest.MonkeyPatch, moved: timedelta, engine_calls: list[str]
) -> None:
    context.snapshots.outdate()
    context.snapshots.take()

    class Moved(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + moved

    monkeypatch.setattr(snapshots, "datetime", Moved)
    context.snapshots.outdate()
    first = context.snapshots.take()
    calls = len(engine_calls)

    assert context.snapshots.take() is first
    assert len(engine_calls) == calls
    # A `not_before` from the clock before or after its change costs one new snapshot at most.
    context.snapshots.take(not_before=datetime.now(UTC) + timedelta(hours=2))
    assert len(engine_calls) <= calls + 5
    assert not first.problem
