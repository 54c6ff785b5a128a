"""Cancellation: heard once, only where it is allowed, and not before patience is at its end."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from app.store.operation_process import CANCEL
from app.usecases.operations.operation_context import Cancellation, Cancelled
from tests.support.waiting import eventually


class Asked:
    """Whether somebody has asked, as the folder tells."""

    yet = False


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def cancellation(asked: Asked) -> Iterator[Cancellation]:
    before = signal.getsignal(CANCEL)
    cancellation = Cancellation(lambda: asked.yet)
    cancellation.listen()
    yield cancellation
    signal.signal(CANCEL, before)


def ask(asked: Asked) -> None:
    asked.yet = True
    os.kill(os.getpid(), CANCEL)


def test_it_is_heard_at_once_where_it_is_allowed(cancellation: Cancellation, asked: Asked) -> None:
    with pytest.raises(Cancelled), cancellation.allowed():
        ask(asked)
        pytest.fail("it went on")


def test_elsewhere_it_waits_for_the_next_place_that_allows_it(
    cancellation: Cancellation, asked: Asked
) -> None:
    with cancellation.allowed():
        pass
    ask(asked)

    with pytest.raises(Cancelled), cancellation.allowed():
        pytest.fail("it went on")


def test_what_takes_down_after_it_is_not_disturbed(
    cancellation: Cancellation, asked: Asked
) -> None:
    with pytest.raises(Cancelled), cancellation.allowed():
        ask(asked)

    ask(asked)


def test_a_signal_that_nobody_asked_for_ends_nothing(
    cancellation: Cancellation, asked: Asked
) -> None:
    with cancellation.allowed():
        os.kill(os.getpid(), CANCEL)


def test_with_patience_what_is_under_way_may_end_first(
    cancellation: Cancellation, asked: Asked
) -> None:
    with cancellation.allowed(patience=60):
        ask(asked)
        ask(asked)
        (reminder,) = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]

    # A signal that comes when nobody listens any more ends the process.
    reminder.join(5)
    assert not reminder.is_alive()
    with pytest.raises(Cancelled), cancellation.allowed():
        pytest.fail("it went on")


def test_patience_comes_to_an_end(cancellation: Cancellation, asked: Asked) -> None:
    with pytest.raises(Cancelled), cancellation.allowed(patience=0.05):
        ask(asked)
        eventually(lambda: False)
