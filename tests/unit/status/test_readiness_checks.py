"""The readiness ladder: seven rungs, in order, whatever was seen."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.status.readiness import ladder
from app.core.status.readiness_checks import (
    LABELS,
    LOCKED_OUT,
    TOKEN_MISMATCH,
    Rung,
    RungState,
    disproof,
    failed,
    first_broken,
    passed,
)
from app.core.status.status import Status, Verdict

PROBED = ("port", "healthz", "readyz", "websocket", "token")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
RUNNING = Verdict(Status.RUNNING, ("up 2 hours",), NOW)


@given(st.sampled_from(Status), st.none() | st.integers(0, 5), st.none() | st.booleans())
def test_there_are_always_all_rungs_in_order(
    status: Status, answered: int | None, tokens_equal: bool | None
) -> None:
    probed = None if answered is None else [passed(name) for name in PROBED[:answered]]

    rungs = ladder(Verdict(status, ("why",), NOW), probed, tokens_equal)

    assert [rung.name for rung in rungs] == list(LABELS)


def test_a_gateway_that_answers_in_full_has_no_broken_rung() -> None:
    rungs = ladder(RUNNING, [passed(name, milliseconds=3) for name in PROBED], tokens_equal=True)

    assert all(rung.state is RungState.PASSED for rung in rungs)
    assert rungs[0].detail == "up 2 hours"
    assert first_broken(rungs) is None


def test_a_launch_that_still_pulls_has_no_container_that_runs() -> None:
    launching = Verdict(Status.LAUNCHING, ("started by ana",), NOW)

    rungs = ladder(launching, None, tokens_equal=True, has_container=False)

    assert rungs[0].state is RungState.PENDING


def test_above_a_broken_rung_nothing_is_known() -> None:
    broken = failed("healthz", "answered 500", "See its log.", hopeless=True)

    rungs = ladder(RUNNING, [passed("port"), broken], tokens_equal=True)

    assert [rung.state for rung in rungs[3:6]] == [RungState.PENDING] * 3
    assert first_broken(rungs) is broken


def test_what_stands_above_a_rung_that_is_not_known_yet_is_no_cause() -> None:
    rungs = ladder(RUNNING, None, False)

    assert rungs[-1].state is RungState.FAILED
    assert first_broken(rungs) is None


def test_before_a_probe_came_back_nothing_is_known_of_the_gateway() -> None:
    rungs = ladder(RUNNING, None, tokens_equal=True)

    assert rungs[0].state is RungState.PASSED
    assert [rung.state for rung in rungs[1:6]] == [RungState.PENDING] * 5


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (Status.RUNNING, RungState.PASSED),
        (Status.UNHEALTHY, RungState.PASSED),
        (Status.LAUNCHING, RungState.PASSED),
        (Status.RESTARTING, RungState.PASSED),
        (Status.FAILED, RungState.FAILED),
        (Status.STOPPED, RungState.PENDING),
        (Status.STOPPING, RungState.PENDING),
        (Status.CONFIGURED, RungState.PENDING),
        (Status.UNKNOWN, RungState.PENDING),
        (Status.INVALID, RungState.PENDING),
    ],
)
def test_the_first_rung_follows_the_status(status: Status, state: RungState) -> None:
    container = ladder(Verdict(status, ("why",), NOW), None, tokens_equal=True)[0]

    assert (container.state, container.detail) == (state, "why")


def test_what_was_seen_of_a_gateway_that_is_down_now_does_not_count() -> None:
    rungs = ladder(
        Verdict(Status.STOPPED, ("stopped",), NOW),
        [passed(name) for name in PROBED],
        tokens_equal=True,
    )

    assert [rung.state for rung in rungs[:6]] == [RungState.PENDING] * 6


@pytest.mark.parametrize(
    ("equal", "state"),
    [(True, RungState.PASSED), (False, RungState.FAILED), (None, RungState.PENDING)],
)
def test_the_last_rung_tells_equal_different_and_unreadable_tokens(
    equal: bool | None, state: RungState
) -> None:
    last = ladder(RUNNING, [passed(name) for name in PROBED], equal)[-1]

    assert last.state is state
    assert bool(last.next_step) == (equal is False)


@pytest.mark.parametrize(
    ("broken", "publishes", "counts"),
    [
        (failed("port", "Nothing answers."), True, True),
        # It may be reached by another way than this host's port.
        (failed("port", "Nothing answers."), False, False),
        (failed("healthz", "It says nothing."), True, True),
        (failed("healthz", "It says nothing."), False, True),
        (failed("readyz", "It is not ready."), True, False),
        (failed("websocket", "No greeting."), True, True),
        (failed("token", "Refused.", hopeless=True, code=TOKEN_MISMATCH), True, True),
        (failed("token", "Locked out.", hopeless=True, code=LOCKED_OUT), True, True),
        (failed("token", "No answer."), True, True),
        # Never promised: no token in .env, a protocol that is not ours.
        (failed("token", "There is none.", hopeless=True), True, False),
        (failed("token", "Refused.", hopeless=True, code="PROTOCOL_MISMATCH"), True, False),
    ],
)
def test_a_gateway_is_disproved_by_what_each_gateway_promises(
    broken: Rung, publishes: bool, counts: bool
) -> None:
    rungs = [passed(name) for name in PROBED[: PROBED.index(broken.name)]]

    assert disproof(rungs, publishes) is None
    assert disproof([*rungs, broken], publishes) == (broken if counts else None)


def test_what_a_broken_rung_says_is_not_said_of_the_container_too() -> None:
    unhealthy = Verdict(Status.UNHEALTHY, ("no greeting within 4 s",), NOW)

    rungs = ladder(unhealthy, [failed("port", "No greeting within 4 s.")], tokens_equal=True)

    assert [rung.detail for rung in rungs[:2]] == ["", "No greeting within 4 s."]
