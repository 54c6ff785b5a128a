"""The table of operation kinds is complete."""

import pytest

from app.core.operations.kinds import OperationKind
from app.core.operations.operation import OperationState
from app.core.operations.steps import WAYS_BACK, Step
from app.usecases.operations.perform import PERFORMERS


@pytest.mark.parametrize("kind", OperationKind)
def test_every_operation_kind_has_facts_and_a_function_that_performs_it(
    kind: OperationKind,
) -> None:
    assert kind.facts.steps
    assert not set(kind.facts.steps) & set(WAYS_BACK)
    assert kind.noun
    assert kind.after_interruption
    assert kind in PERFORMERS


def test_every_step_has_a_label_and_every_state_a_phrase() -> None:
    assert all(each.label for each in Step)
    assert all(each.phrase for each in OperationState)
