"""A change is rolled back unless the gateway works after it. Each outcome has one text."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from unittest.mock import Mock

import pytest

from app.core.diagnosis.causes import Cause
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import ROLLBACK_FAILED
from app.core.operations.steps import Step
from app.core.snapshot import Run
from app.usecases.operations.failures import OperationFailed
from app.usecases.operations.operation_context import Cancellation, Cancelled, OperationContext
from app.usecases.operations.transaction import DOWN, RUNS, UNTOUCHED, run_transaction
from tests.support.builders import a_deployment, an_operation

NEW_RUN, OLD_RUN = Run("new", "now"), Run("old", "now")
CRASHED = OperationFailed(
    Cause("exited_1", "It exited with code 1.", "Look at its log.", free_port=30164, fix="fix it")
)
FULL = OSError(errno.ENOSPC, "no space")


@dataclass
class StandInChange:
    """A change that fails at given points, or succeeds."""

    old = "The old token"

    failure: BaseException | None = None
    in_rollback: BaseException | None = None
    in_bring_back: BaseException | None = None
    left_alone: Sequence[str] = ()
    gateway: str = RUNS
    calls: tuple[str, ...] = ()

    def _call(self, name: str, failure: BaseException | None) -> None:
        self.calls += (name,)
        if failure:
            raise failure

    def apply(self, op: OperationContext) -> Run | None:
        self._call("apply", self.failure)
        return NEW_RUN

    def roll_back(self, op: OperationContext) -> Sequence[str]:
        self._call("roll_back", self.in_rollback)
        return self.left_alone

    def bring_back(self, op: OperationContext) -> tuple[str, Run | None]:
        self._call("bring_back", self.in_bring_back)
        with op.cancellation.allowed():
            return self.gateway, OLD_RUN if self.gateway == RUNS else None


@pytest.fixture
def op() -> OperationContext:
    context = Mock()
    context.store.load.return_value = a_deployment()
    operation = an_operation(OperationKind.ROTATE_TOKEN)
    cancelled = Cancellation(lambda: True)
    return OperationContext(operation, a_deployment(), context, Mock(), cancelled)


def failure_of(op: OperationContext, change: StandInChange) -> OperationFailed:
    with pytest.raises(OperationFailed) as failed:
        run_transaction(op, change)
    return failed.value


def said(op: OperationContext) -> list[Any]:
    return [call.args for call in cast(Mock, op.log).method_calls]


def test_a_change_that_works_is_not_rolled_back(op: OperationContext) -> None:
    change = StandInChange()

    assert run_transaction(op, change) == NEW_RUN
    assert change.calls == ("apply",)
    assert said(op) == []


@pytest.mark.parametrize(
    ("gateway", "words", "run"),
    [
        (RUNS, "and the gateway runs.", OLD_RUN),
        (UNTOUCHED, "and the gateway was not touched.", None),
        (DOWN, "and the gateway is down, as before.", None),
    ],
)
def test_a_failure_keeps_its_code_and_says_what_happened_to_the_gateway(
    op: OperationContext, gateway: str, words: str, run: Run | None
) -> None:
    change = StandInChange(CRASHED, gateway=gateway)

    failure = failure_of(op, change)

    reason = f"It exited with code 1. The old token was put back, {words}"
    assert failure.cause == Cause("exited_1", reason, "Look at its log.")
    assert failure.verified == run
    assert change.calls == ("apply", "roll_back", "bring_back"), "no cancellation stops it"
    assert said(op) == [
        ("It exited with code 1. Look at its log.",),
        (Step.BACK, "Rolling back what was changed"),
    ]


def test_files_changed_in_the_meantime_are_named(op: OperationContext) -> None:
    failure = failure_of(op, StandInChange(CRASHED, left_alone=[".env", "config/openclaw.json"]))

    assert failure.cause.words == (
        "It exited with code 1. Everything but .env and config/openclaw.json, which somebody"
        " changed meanwhile, was put back, and the gateway runs."
    )


def test_a_failed_rollback_says_why_and_what_to_do(op: OperationContext) -> None:
    change = StandInChange(CRASHED, in_rollback=FULL)

    failure = failure_of(op, change)

    assert failure.cause == Cause(
        ROLLBACK_FAILED,
        "It exited with code 1. The old token could not be put back. The disk is full.",
        "Make room, then try again. Launch the deployment: this applies and verifies the token of"
        " .env.",
    )
    assert failure.verified is None
    assert change.calls == ("apply", "roll_back"), "the old gateway has no files to run with"


def test_a_failed_rollback_keeps_the_first_code_and_the_last_advice(
    op: OperationContext,
) -> None:
    again = OperationFailed(Cause("port_taken", "The port is taken.", "Free it.", fix="free it"))

    failure = failure_of(op, StandInChange(FULL, in_bring_back=again))

    words = "The old token was put back, but the gateway does not come up: The port is taken."
    assert failure.cause == Cause(
        "disk_full", f"The disk is full. {words}", "Free it.", fix="free it"
    )
    assert failure.verified is None


def test_a_change_may_count_a_gateway_that_stays_down_as_a_failed_rollback(
    op: OperationContext,
) -> None:
    again = OperationFailed(Cause(ROLLBACK_FAILED, "The port is taken.", "Free it."))

    failure = failure_of(op, StandInChange(CRASHED, in_bring_back=again))

    assert failure.cause == Cause(
        ROLLBACK_FAILED,
        "It exited with code 1. The old token was put back, but the gateway does not come up: The"
        " port is taken.",
        "Free it.",
    )


def test_a_cancelled_change_is_rolled_back_and_stays_cancelled(op: OperationContext) -> None:
    with pytest.raises(Cancelled) as cancelled:
        run_transaction(op, StandInChange(Cancelled()))

    assert cancelled.value.words == "The old token was put back, and the gateway runs."
    assert cancelled.value.verified == OLD_RUN


def test_an_unforeseen_failure_is_rolled_back_and_raised_again(op: OperationContext) -> None:
    change = StandInChange(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        run_transaction(op, change)

    assert change.calls == ("apply", "roll_back", "bring_back")
