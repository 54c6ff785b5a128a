"""All seven readiness checks are shown in order, for every status."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.status.check_list import check_list
from app.core.status.readiness import (
    LABELS,
    LOCKED_OUT,
    TOKEN_MISMATCH,
    CheckState,
    ReadinessCheck,
    decisive_failure,
    failed,
    first_failed,
    passed,
)
from app.core.status.status import Status, StatusReport

GATEWAY_CHECKS = ("port", "healthz", "readyz", "websocket", "token")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
RUNNING = StatusReport(Status.RUNNING, ("up 2 hours",), NOW)


@given(st.sampled_from(Status), st.none() | st.integers(0, 5), st.none() | st.booleans())
def test_all_checks_are_listed_in_order(
    status: Status, answered: int | None, tokens_equal: bool | None
) -> None:
    probed = None if answered is None else [passed(name) for name in GATEWAY_CHECKS[:answered]]

    checks = check_list(StatusReport(status, ("why",), NOW), probed, tokens_equal)

    assert [check.name for check in checks] == list(LABELS)


def test_a_gateway_that_passes_every_check_has_no_failed_check() -> None:
    checks = check_list(
        RUNNING, [passed(name, milliseconds=3) for name in GATEWAY_CHECKS], tokens_equal=True
    )

    assert all(check.state is CheckState.PASSED for check in checks)
    assert checks[0].detail == "up 2 hours"
    assert first_failed(checks) is None


def test_a_launch_that_is_still_pulling_is_launching_without_a_container() -> None:
    launching = StatusReport(Status.LAUNCHING, ("started by ana",), NOW)

    checks = check_list(launching, None, tokens_equal=True, has_container=False)

    assert checks[0].state is CheckState.PENDING


def test_checks_after_a_failed_one_are_pending() -> None:
    broken = failed("healthz", "answered 500", "See its log.", hopeless=True)

    checks = check_list(RUNNING, [passed("port"), broken], tokens_equal=True)

    assert [check.state for check in checks[3:6]] == [CheckState.PENDING] * 3
    assert first_failed(checks) is broken


def test_a_failed_check_behind_a_pending_one_is_not_a_cause() -> None:
    checks = check_list(RUNNING, None, False)

    assert checks[-1].state is CheckState.FAILED
    assert first_failed(checks) is None


def test_before_the_first_probe_returns_the_checks_are_unknown() -> None:
    checks = check_list(RUNNING, None, tokens_equal=True)

    assert checks[0].state is CheckState.PASSED
    assert [check.state for check in checks[1:6]] == [CheckState.PENDING] * 5


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (Status.RUNNING, CheckState.PASSED),
        (Status.UNHEALTHY, CheckState.PASSED),
        (Status.LAUNCHING, CheckState.PASSED),
        (Status.RESTARTING, CheckState.PASSED),
        (Status.FAILED, CheckState.FAILED),
        (Status.STOPPED, CheckState.PENDING),
        (Status.STOPPING, CheckState.PENDING),
        (Status.CONFIGURED, CheckState.PENDING),
        (Status.UNKNOWN, CheckState.PENDING),
        (Status.INVALID, CheckState.PENDING),
    ],
)
def test_the_container_check_follows_the_status(status: Status, state: CheckState) -> None:
    container = check_list(StatusReport(status, ("why",), NOW), None, tokens_equal=True)[0]

    assert (container.state, container.detail) == (state, "why")


def test_checks_of_a_stopped_gateway_do_not_count() -> None:
    checks = check_list(
        StatusReport(Status.STOPPED, ("stopped",), NOW),
        [passed(name) for name in GATEWAY_CHECKS],
        tokens_equal=True,
    )

    assert [check.state for check in checks[:6]] == [CheckState.PENDING] * 6


@pytest.mark.parametrize(
    ("equal", "state"),
    [(True, CheckState.PASSED), (False, CheckState.FAILED), (None, CheckState.PENDING)],
)
def test_the_token_check_knows_equal_different_and_unreadable_tokens(
    equal: bool | None, state: CheckState
) -> None:
    last = check_list(RUNNING, [passed(name) for name in GATEWAY_CHECKS], equal)[-1]

    assert last.state is state
    assert bool(last.next_step) == (equal is False)


@pytest.mark.parametrize(
    ("broken", "publishes", "counts"),
    [
        (failed("port", "Nothing answers."), True, True),
        # Clients may reach the gateway by another way than a port of this host.
        (failed("port", "Nothing answers."), False, False),
        (failed("healthz", "It says nothing."), True, True),
        (failed("healthz", "It says nothing."), False, True),
        (failed("readyz", "It is not ready."), True, False),
        (failed("websocket", "No greeting."), True, True),
        (failed("token", "Refused.", hopeless=True, code=TOKEN_MISMATCH), True, True),
        (failed("token", "Locked out.", hopeless=True, code=LOCKED_OUT), True, True),
        (failed("token", "No answer."), True, True),
        # These checks don't apply: without a token in .env, or with a protocol that we don't know.
        (failed("token", "There is none.", hopeless=True), True, False),
        (failed("token", "Refused.", hopeless=True, code="PROTOCOL_MISMATCH"), True, False),
    ],
)
def test_a_gateway_that_fails_a_promised_check_is_not_running(
    broken: ReadinessCheck, publishes: bool, counts: bool
) -> None:
    checks = [passed(name) for name in GATEWAY_CHECKS[: GATEWAY_CHECKS.index(broken.name)]]

    assert decisive_failure(checks, publishes) is None
    assert decisive_failure([*checks, broken], publishes) == (broken if counts else None)


def test_the_container_check_does_not_repeat_a_failed_checks_words() -> None:
    unhealthy = StatusReport(Status.UNHEALTHY, ("no greeting within 4 s",), NOW)

    checks = check_list(unhealthy, [failed("port", "No greeting within 4 s.")], tokens_equal=True)

    assert [check.detail for check in checks[:2]] == ["", "No greeting within 4 s."]
