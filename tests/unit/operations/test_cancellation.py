"""A cancellation takes effect once: in a cancellable section, or at the time limit."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from app.store.operation_process import CANCEL
from app.usecases.operations.operation_context import Cancellation, Cancelled
from tests.support.waiting import eventually


class Asked:
    """A stand-in for the folder's record of a requested cancellation."""

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


def test_cancellation_takes_effect_at_once_in_a_cancellable_section(
    cancellation: Cancellation, asked: Asked
) -> None:
    with pytest.raises(Cancelled), cancellation.allowed():
        ask(asked)
        pytest.fail("it went on")


def test_outside_a_cancellable_section_cancellation_waits_for_the_next(
    cancellation: Cancellation, asked: Asked
) -> None:
    with cancellation.allowed():
        pass
    ask(asked)

    with pytest.raises(Cancelled), cancellation.allowed():
        pytest.fail("it went on")


def test_clean_up_after_a_cancellation_is_not_interrupted(
    cancellation: Cancellation, asked: Asked
) -> None:
    with pytest.raises(Cancelled), cancellation.allowed():
        ask(asked)

    ask(asked)


def test_a_signal_without_a_request_cancels_nothing(
    cancellation: Cancellation, asked: Asked
) -> None:
    with cancellation.allowed():
        os.kill(os.getpid(), CANCEL)


def test_a_call_may_wait_for_a_running_operation_to_end(
    cancellation: Cancellation, asked: Asked
) -> None:
    with cancellation.allowed(patience=60):
        ask(asked)
        ask(asked)
        (reminder,) = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]

    # The reminder's signal must not come late: without a handler it would kill this process.
    reminder.join(5)
    assert not reminder.is_alive()
    with pytest.raises(Cancelled), cancellation.allowed():
        pytest.fail("it went on")


def test_waiting_for_a_running_operation_ends_at_its_limit(
    cancellation: Cancellation, asked: Asked
) -> None:
    with pytest.raises(Cancelled), cancellation.allowed(patience=0.05):
        ask(asked)
        eventually(lambda: False)
