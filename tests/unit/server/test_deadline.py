"""All engine calls of a page share one deadline."""

import pytest

from app.core.deadline import bounded_timeout, engine_deadline, seconds_left


def test_a_call_without_a_deadline_has_its_own_timeout() -> None:
    assert bounded_timeout(2) == 2


def test_a_call_takes_no_longer_than_the_time_left() -> None:
    with engine_deadline(60):
        assert 30 < bounded_timeout(90) <= 60
        assert bounded_timeout(0.5) == 0.5

    assert bounded_timeout(90) == 90


def test_without_time_left_no_call_is_made() -> None:
    with engine_deadline(0), pytest.raises(TimeoutError):
        bounded_timeout(2)


def test_a_fast_poll_returns_to_its_slow_interval() -> None:
    with engine_deadline(60):
        with engine_deadline(1):
            assert seconds_left(100) <= 1
        assert seconds_left(100) > 50
