"""Single flight: callers of a key share one call. Results are kept for a time, errors are not."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event, Lock, Semaphore

import pytest

from app.core.single_flight import DaemonThreads, SingleFlight
from tests.support.waiting import eventually

_LONG = 600.0
_PATIENCE = 20.0


class Calls:
    """A function that returns the number of its call, from 1, after the test releases the call."""

    def __init__(self, let_through: int = 0) -> None:
        self.numbers = count(1)
        self.may_end = Semaphore(let_through)

    def __call__(self) -> int:
        number = next(self.numbers)
        assert self.may_end.acquire(timeout=_PATIENCE)
        return number


def never() -> int:
    raise AssertionError("it must not be called")


@pytest.fixture
def flights() -> SingleFlight[int]:
    return SingleFlight(DaemonThreads("test"))


def test_callers_share_the_call_that_runs(flights: SingleFlight[int]) -> None:
    call = Calls()
    running = flights.begin("a", call)

    assert flights.begin("a", never) is running
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(flights.get, "a", never, seconds=_LONG) for _ in range(8)]
        call.may_end.release()

    assert [each.result() for each in results] == [1] * 8


def test_a_result_is_kept_for_its_time_to_live_and_no_longer(flights: SingleFlight[int]) -> None:
    call = Calls(let_through=3)

    assert flights.get("a", call) == 1
    assert flights.get("a", never, seconds=_LONG) == 1
    time.sleep(0.02)
    assert flights.get("a", call, seconds=0.01) == 2
    assert flights.get("a", call) == 3


def test_calls_for_different_keys_do_not_wait_for_each_other(flights: SingleFlight[int]) -> None:
    hanging = Calls()
    running = flights.begin("a", hanging)

    assert flights.get("b", lambda: 7, timeout=_PATIENCE) == 7
    assert flights.is_running("a")

    hanging.may_end.release()
    assert running.result(_PATIENCE) == 1
    assert not flights.is_running("a")


def test_a_result_from_before_a_change_is_not_used_after_it(
    flights: SingleFlight[int],
) -> None:
    call = Calls()
    before = flights.begin("a", call)
    changed = time.monotonic()

    with ThreadPoolExecutor(8) as pool:
        after = [
            pool.submit(flights.get, "a", call, seconds=_LONG, after=changed) for _ in range(8)
        ]
        call.may_end.release(2)

    assert before.result() == 1
    assert [each.result() for each in after] == [2] * 8


def test_a_call_begun_after_the_request_answers_it(
    flights: SingleFlight[int],
) -> None:
    in_the_future = time.monotonic() + _LONG

    assert flights.get("a", lambda: 1, after=in_the_future, timeout=_PATIENCE) == 1


def test_a_result_is_not_shared_between_versions(flights: SingleFlight[int]) -> None:
    call = Calls(let_through=2)

    # A version may be unhashable, because versions are only compared.
    assert flights.get("a", call, seconds=_LONG, version=[1]) == 1
    assert flights.get("a", never, seconds=_LONG, version=[1]) == 1
    assert flights.get("a", call, seconds=_LONG, version=[2]) == 2


@pytest.mark.parametrize("threads", [None, DaemonThreads("test")])
def test_an_error_goes_to_the_callers_of_that_call_and_is_not_kept(
    threads: DaemonThreads | None,
) -> None:
    flights: SingleFlight[int] = SingleFlight(threads)

    with pytest.raises(AssertionError, match="must not be called"):
        flights.get("a", never, seconds=_LONG)

    assert flights.get("a", lambda: 1, seconds=_LONG) == 1


def test_all_callers_of_a_shared_call_get_its_error(flights: SingleFlight[int]) -> None:
    may_fail = Event()

    def fail() -> int:
        may_fail.wait(_PATIENCE)
        raise OSError("no such disk")

    callers = [flights.begin("a", fail) for _ in range(3)]
    may_fail.set()

    for each in callers:
        with pytest.raises(OSError, match="no such disk"):
            each.result(_PATIENCE)


def test_a_caller_waits_no_longer_than_its_timeout(flights: SingleFlight[int]) -> None:
    hanging = Calls()
    with pytest.raises(TimeoutError):
        flights.get("a", hanging, timeout=0.01)
    # A caller also stops waiting for a call that started too early for its result to count.
    with pytest.raises(TimeoutError):
        flights.get("a", hanging, after=time.monotonic(), timeout=0.01)

    hanging.may_end.release()

    assert flights.get("a", never, seconds=_LONG, timeout=_PATIENCE) == 1


def test_without_threads_the_caller_runs_the_call() -> None:
    flights: SingleFlight[int] = SingleFlight()
    call = Calls(let_through=2)

    assert (flights.get("a", call), flights.get("a", call)) == (1, 2)


def test_the_oldest_results_are_evicted_first() -> None:
    flights: SingleFlight[int] = SingleFlight(most=2)
    call = Calls(let_through=4)

    assert [flights.get(key, call, seconds=_LONG) for key in "abc"] == [1, 2, 3]
    assert flights.get("c", never, seconds=_LONG) == 3
    assert flights.get("a", call, seconds=_LONG) == 4


def test_no_more_daemon_threads_run_at_a_time_than_allowed() -> None:
    threads, lock = DaemonThreads("test", most=2), Lock()
    running, most_running, ended = 0, 0, Semaphore(0)

    def call() -> None:
        nonlocal running, most_running
        with lock:
            running += 1
            most_running = max(most_running, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        ended.release()

    for _ in range(10):
        threads.start(call)

    assert all(ended.acquire(timeout=_PATIENCE) for _ in range(10))
    assert most_running == 2


def test_a_failed_thread_start_is_reported_to_the_callers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_call: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    threads = DaemonThreads("test")
    flights: SingleFlight[int] = SingleFlight(threads)
    with monkeypatch.context() as short:
        short.setattr(threads, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            flights.get("a", never)

    eventually(lambda: flights.get("a", lambda: 1, timeout=_PATIENCE) == 1)
