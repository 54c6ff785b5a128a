"""The progress of an operation is read from its step records."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from app.core.operations.kinds import OperationKind
from app.core.operations.layers import Layer, Phase
from app.core.operations.operation import ROLLBACK_FAILED, Operation, OperationState
from app.core.operations.progress import Record, StepBegan, StepProgress, StepState, progress_of
from app.core.operations.steps import BRING_UP, PREPARE, TAKE_DOWN, Step
from tests.support.builders import an_operation, before

BEGAN = before(240)


def operation(
    state: OperationState, kind: OperationKind = OperationKind.LAUNCH, **more: object
) -> Operation:
    ended = None if state is OperationState.RUNNING else BEGAN + timedelta(seconds=50)
    return an_operation(kind, state, started_at=BEGAN, ended_at=ended, **more)


def begun(*steps: Step) -> list[Record]:
    """Return records of steps that began at intervals of one second."""
    return [StepBegan(step, BEGAN + timedelta(seconds=at)) for at, step in enumerate(steps)]


def states(steps: Sequence[StepProgress]) -> dict[str, str]:
    return {each.step: str(each.state) for each in steps}


@pytest.mark.parametrize("kind", OperationKind)
def test_all_planned_steps_of_a_success_are_done(kind: OperationKind) -> None:
    succeeded = operation(OperationState.SUCCEEDED, kind)

    steps = progress_of(succeeded, begun(*succeeded.planned_steps))

    assert [each.step for each in steps] == list(succeeded.planned_steps)
    assert {each.state for each in steps} == {StepState.DONE}
    assert all(each.took for each in steps)


def test_a_step_that_never_began_is_shown_as_skipped() -> None:
    steps = progress_of(
        operation(OperationState.SUCCEEDED), begun(Step.CHECK, Step.FOLDERS, Step.CREATE)
    )

    assert states(steps)["pull"] == "skipped"


def test_the_running_step_has_the_last_line_and_the_layers_of_its_pull() -> None:
    layer = Layer("7df4b48abd32", Phase.DOWNLOADING, 50, 100)
    records = [*begun(Step.CHECK, Step.PULL), layer, "openclaw Pulling"]

    check, pull, *rest = progress_of(operation(OperationState.RUNNING), records)

    assert (check.state, check.layers, check.detail) == (StepState.DONE, (), "")
    assert (pull.state, pull.layers, pull.detail) == (
        StepState.RUNNING,
        (layer,),
        "openclaw Pulling",
    )
    assert {each.state for each in rest} == {StepState.PENDING}


def test_a_launch_that_stops_containers_unexpectedly_is_rolling_back() -> None:
    records = begun(*PREPARE, *BRING_UP[:3], *TAKE_DOWN)

    steps = states(progress_of(operation(OperationState.FAILED), records))

    assert (steps["answers"], steps["ready"], steps["undo"]) == ("failed", "pending", "done")
    assert "stop" not in steps


@pytest.mark.parametrize(
    ("code", "back"), [("launch_timeout", "done"), (ROLLBACK_FAILED, "failed")]
)
def test_the_steps_of_a_rollback_are_one_step(code: str, back: str) -> None:
    failed = operation(OperationState.FAILED, OperationKind.UPDATE, code=code)
    forward = failed.planned_steps[:-1]
    rollback = (*TAKE_DOWN, Step.BACK, *PREPARE, *TAKE_DOWN, *BRING_UP)

    steps = states(progress_of(failed, begun(*forward, *rollback)))

    assert (steps["answers"], steps["ready"]) == ("failed", "pending")
    assert (steps["undo"], steps["back"]) == ("done", back)


def test_a_rollback_that_precedes_a_launch_is_its_first_step() -> None:
    records = begun(Step.BACK, *TAKE_DOWN, *PREPARE, *BRING_UP)

    steps = progress_of(operation(OperationState.SUCCEEDED), records)

    assert [each.step for each in steps][:3] == ["back", "check", "pull"]


def test_a_reconfiguration_without_a_restart_only_writes_files() -> None:
    steps = progress_of(operation(OperationState.RUNNING, OperationKind.RECONFIGURE), [])

    assert states(steps) == {"write": "running"}
