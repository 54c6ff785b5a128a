"""The readiness checker: when it checks, which results it shows, which gateways it skips."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from app.core.deployment import Deployment
from app.core.operations.operation import OperationState
from app.core.snapshot import PublishedPort
from app.core.status.readiness import (
    GATEWAY_CHECKS,
    LOCKED_OUT,
    TOKEN_MISMATCH,
    ReadinessCheck,
    failed,
    passed,
)
from app.engine.gateway import readiness
from app.engine.gateway.readiness import ReadinessChecker
from tests.support.builders import a_container, a_deployment, an_operation
from tests.support.waiting import eventually

_PATIENCE = 60.0
PASSING = [passed(name) for name in GATEWAY_CHECKS]
FAILING = [passed("port"), failed("healthz", "It does not answer.")]
STARTED = datetime.now(UTC) - timedelta(hours=1)
GATEWAY = a_container(started_at=STARTED, ports=(PublishedPort("127.0.0.1", 30163),))
REFUSALS = {
    code: [*PASSING[:-1], failed("token", "Refused.", hopeless=True, code=code)]
    for code in (TOKEN_MISMATCH, LOCKED_OUT)
}

Answer = Callable[[], list[ReadinessCheck]]


class Gateway:
    """A gateway that answers checks as a test wants, and counts full runs of all checks."""

    def __init__(self) -> None:
        self.answer: Answer = lambda: PASSING
        self.full_runs = 0

    def __call__(self, *_of: object, up_to: str = "token") -> list[ReadinessCheck]:
        if up_to == "token":
            self.full_runs += 1
        results = self.answer()
        names = GATEWAY_CHECKS[: GATEWAY_CHECKS.index(up_to) + 1]
        return [each for each in results if each.name in names]


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    gateway = Gateway()
    monkeypatch.setattr(readiness, "run_checks", gateway)
    monkeypatch.setattr(readiness, "_RETRY_SECONDS", 0.0)
    return gateway


@pytest.fixture
def checker() -> ReadinessChecker:
    return ReadinessChecker(lambda: [], lambda: None, timedelta(minutes=3))


def deployment(number: int = 1, state: OperationState = OperationState.SUCCEEDED) -> Deployment:
    return a_deployment(port=30163, operation=an_operation(state=state, number=number))


def test_results_from_before_an_operation_or_during_it_are_not_shown_after_it(
    gateway: Gateway, checker: ReadinessChecker
) -> None:
    gateway.answer = lambda: FAILING
    launching, launched = deployment(state=OperationState.RUNNING), deployment()
    restarting = deployment(2, OperationState.RUNNING)

    assert checker.checks_of(launching, GATEWAY, _PATIENCE) == FAILING
    assert checker.checks_of(launching, GATEWAY) == FAILING
    # During a deployment's own operation, checks do not make its status unhealthy.
    assert checker.readiness_of(launching) is None

    gateway.answer = lambda: PASSING
    assert checker.readiness_of(launched) is None
    assert checker.checks_of(launched, GATEWAY, _PATIENCE) == PASSING
    assert checker.readiness_of(restarting) is None
    assert checker.checks_of(restarting, GATEWAY) in (None, PASSING)
    assert checker.checks_of(restarting, GATEWAY, _PATIENCE) == PASSING


def test_results_of_another_run_of_the_container_are_not_shown(
    gateway: Gateway, checker: ReadinessChecker
) -> None:
    assert checker.checks_of(deployment(), GATEWAY, _PATIENCE) == PASSING

    gateway.answer = lambda: FAILING
    restarted = a_container(started_at=datetime.now(UTC), ports=GATEWAY.ports)

    assert checker.checks_of(deployment(), restarted, _PATIENCE) == FAILING


def test_a_page_does_not_wait_for_a_gateway_and_is_told_when_its_answer_is_there(
    gateway: Gateway,
) -> None:
    announced, may_answer = Event(), Event()
    checker = ReadinessChecker(lambda: [], announced.set, timedelta(minutes=3))

    def hang() -> list[ReadinessCheck]:
        may_answer.wait(_PATIENCE)
        return PASSING

    gateway.answer = hang
    assert checker.checks_of(deployment(), GATEWAY) is None
    assert checker.checks_of(deployment(), GATEWAY, 0.01) is None
    assert not announced.is_set()

    may_answer.set()

    assert announced.wait(_PATIENCE)
    assert checker.checks_of(deployment(), GATEWAY) == PASSING
    assert gateway.full_runs == 1


def test_a_run_that_raises_is_logged_and_repeated(
    gateway: Gateway, checker: ReadinessChecker, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> list[ReadinessCheck]:
        gateway.answer = lambda: PASSING
        raise ZeroDivisionError("staged")

    gateway.answer = fail

    assert checker.checks_of(deployment(), GATEWAY, _PATIENCE) == PASSING
    assert "staged" in caplog.text


def test_a_failure_counts_only_if_the_next_run_fails_too(
    gateway: Gateway, checker: ReadinessChecker
) -> None:
    answers = iter([PASSING, FAILING, PASSING])
    gateway.answer = lambda: next(answers)
    checker.check_now(deployment(), GATEWAY)
    found = checker.readiness_of(deployment())
    assert found and found.failed_check is None and found.has_passed

    gateway.answer = lambda: FAILING
    checker.check_now(deployment(), GATEWAY)
    found = checker.readiness_of(deployment())
    assert found and found.failed_check == FAILING[-1] and found.has_passed


@pytest.mark.parametrize(("code", "seconds"), [(TOKEN_MISMATCH, 60.0), (LOCKED_OUT, 300.0)])
def test_a_gateway_that_refuses_the_token_is_left_alone(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, code: str, seconds: float
) -> None:
    checker = ReadinessChecker(lambda: [(deployment(), GATEWAY)], lambda: None, timedelta(0))
    monkeypatch.setattr(readiness, "_ROUND_SECONDS", 0.001)
    gateway.answer = lambda: REFUSALS[code]
    now = time.monotonic()
    monkeypatch.setattr(readiness, "time", _Clock(now))

    checker.start()
    eventually(lambda: checker.readiness_of(deployment()))
    # The checker runs no full checks, neither in its rounds nor for a page.
    for moment in (now, now + seconds - 1):
        monkeypatch.setattr(readiness, "time", _Clock(moment))
        assert checker.checks_of(deployment(), GATEWAY, _PATIENCE) == REFUSALS[code]
        time.sleep(0.02)
        assert gateway.full_runs == 2

    monkeypatch.setattr(readiness, "time", _Clock(now + seconds))
    eventually(lambda: gateway.full_runs == 3)
    checker.stop()


class _Clock:
    def __init__(self, now: float) -> None:
        self._now = now

    def monotonic(self) -> float:
        return self._now
