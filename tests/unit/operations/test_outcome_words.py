"""The end of an operation is announced once, to readers who saw the operation run."""

from app.core.operations.kinds import OperationKind
from app.core.operations.operation import OperationState
from app.core.operations.outcome_words import Outcomes
from tests.support.builders import a_deployment, an_operation


def at(state: OperationState, number: int = 1, reason: str = "") -> object:
    operation = an_operation(OperationKind.LAUNCH, state, number=number, reason=reason)
    return a_deployment(env={"DEPLOYMENT_NAME": "Sales"}, operation=operation)


def test_the_end_of_a_seen_operation_is_announced_once() -> None:
    outcomes = Outcomes()

    assert outcomes.of([at(OperationState.RUNNING)]) == []
    ended = at(OperationState.FAILED, reason="Its port is taken.")
    assert outcomes.of([ended]) == ["Sales: the launch failed. Its port is taken."]
    assert outcomes.of([ended]) == []


def test_an_operation_that_ended_before_the_page_opened_is_not_announced() -> None:
    assert Outcomes().of([at(OperationState.SUCCEEDED)]) == []


def test_another_operations_end_is_not_taken_for_this_one() -> None:
    outcomes = Outcomes()
    outcomes.of([at(OperationState.RUNNING, number=1)])

    assert outcomes.of([at(OperationState.SUCCEEDED, number=2)]) == []
