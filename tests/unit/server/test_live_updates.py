"""Who looks is woken by changes, for as long as they look and whatever goes wrong beside them."""

import itertools
import threading

import pytest

from app.usecases.server import live_updates as changes
from app.usecases.server.live_updates import Changes
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_TICK_SECONDS", 0.01)


def test_a_look_that_fails_ends_no_following() -> None:
    looks = itertools.count()

    def look() -> int:
        number = next(looks)
        if number < 3:
            raise ValueError("what nobody thought of")
        return number

    with Changes(look).viewing() as viewer:
        eventually(lambda: viewer.take_changed() and next(looks) > 5)


def test_no_place_is_lost_where_no_thread_is_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(changes, "MOST_VIEWERS", 1)
    looked_at = Changes(lambda: 0)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError), looked_at.viewing():
            pass

    with looked_at.viewing() as viewer:
        looked_at.beat()
        assert viewer.take_changed()
