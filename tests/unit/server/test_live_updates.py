"""Live updates: changes wake subscribers, even if other parts fail."""

import itertools
import threading

import pytest

from app.usecases.server import live_updates
from app.usecases.server.live_updates import LiveUpdates
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_updates, "_POLL_SECONDS", 0.01)


def test_a_failing_poll_ends_no_subscription() -> None:
    polls = itertools.count()

    def poll() -> int:
        number = next(polls)
        if number < 3:
            raise ValueError("what nobody thought of")
        return number

    with LiveUpdates(poll).subscription() as subscriber:
        eventually(lambda: subscriber.take_changed() and next(polls) > 5)


def test_a_failed_thread_start_frees_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(live_updates, "MOST_SUBSCRIBERS", 1)
    live = LiveUpdates(lambda: 0)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError), live.subscription():
            pass

    with live.subscription() as subscriber:
        live.publish()
        assert subscriber.take_changed()
