"""The progress of an operation: the state and the duration of each planned step."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from app.core.operations.layers import Layer, latest_layers
from app.core.operations.operation import ROLLBACK_FAILED, Operation, OperationState
from app.core.operations.steps import TAKE_DOWN, WAYS_BACK, Step
from app.core.records import AwareDatetime


class StepState(StrEnum):
    DONE = "done"
    RUNNING = "running"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class StepBegan:
    """The start of a step. `log_size` is the size of the operation's log at the start, in bytes."""

    step: Step
    at: AwareDatetime
    log_size: int = 0


# A record of an operation's progress. A text is a line of the operation's log.
Record = StepBegan | Layer | str


@dataclass(frozen=True, slots=True)
class StepProgress:
    """A step of an operation. `detail` is the last line of the log while the step runs."""

    step: Step
    state: StepState
    began_at: datetime | None = None
    ended_at: datetime | None = None
    detail: str = ""
    layers: tuple[Layer, ...] = ()

    @property
    def label(self) -> str:
        return self.step.label

    @property
    def took(self) -> timedelta | None:
        return self.ended_at - self.began_at if self.began_at and self.ended_at else None


@dataclass(slots=True)
class _Begun:
    """A step that has begun, with the records made during the step."""

    step: Step
    at: datetime
    records: list[Layer | str] = field(default_factory=list)


def progress_of(operation: Operation, records: Iterable[Record]) -> tuple[StepProgress, ...]:
    """Return the steps of an operation in order: the planned steps, then undo and rollback."""
    records = list(records)
    plan = operation.planned_steps
    if records and isinstance(records[0], StepBegan) and records[0].step is Step.BACK:
        plan = (Step.BACK, *plan)
    begun = _begun(operation, plan, records)
    reached = {each.step: _progress(operation, begun, at, plan) for at, each in enumerate(begun)}
    last = max((plan.index(step) for step in reached if step in plan), default=-1)
    all_done = operation.state is OperationState.SUCCEEDED
    return (
        *(
            reached.get(step)
            or StepProgress(step, StepState.SKIPPED if all_done or at < last else StepState.PENDING)
            for at, step in enumerate(plan)
        ),
        *(each for step, each in reached.items() if step in WAYS_BACK and step not in plan),
    )


def _begun(operation: Operation, plan: Sequence[Step], records: Iterable[Record]) -> list[_Begun]:
    """Return the steps that have begun, each once. The first begins with the operation."""
    begun = [_Begun(plan[0], operation.started_at)]
    for record in records:
        current = begun[-1]
        if not isinstance(record, StepBegan):
            current.records.append(record)
        elif (step := _shown_as(record.step, current.step, plan)) and _follows(
            step, current.step, plan
        ):
            begun.append(_Begun(step, record.at))
    return begun


def _shown_as(step: Step, current: Step, plan: Sequence[Step]) -> Step | None:
    """Return the step to show, or None to show no new step.

    A removal of containers that is not in the rest of the plan is shown as `UNDO`.
    """
    if step is Step.BACK:
        return step
    if step in TAKE_DOWN and current is Step.BACK:
        return None
    ahead = plan[plan.index(current) + 1 :] if current in plan else ()
    if step in TAKE_DOWN and plan[0] not in TAKE_DOWN and step not in ahead:
        return Step.UNDO
    return step if step in plan else None


def _follows(step: Step, current: Step, plan: Sequence[Step]) -> bool:
    if current in plan:
        return step not in plan or plan.index(step) > plan.index(current)
    return (current, step) == (Step.UNDO, Step.BACK)


def _progress(
    operation: Operation, begun: Sequence[_Begun], at: int, plan: Sequence[Step]
) -> StepProgress:
    this, following = begun[at], begun[at + 1] if at + 1 < len(begun) else None
    lines = [each for each in this.records if isinstance(each, str)]
    state = _state(operation, this, following, plan)
    ended_at = following.at if following else operation.ended_at
    return StepProgress(
        this.step,
        state,
        began_at=this.at,
        # The host's clock may have been set back during the step.
        ended_at=max(this.at, ended_at) if ended_at else None,
        detail=lines[-1] if lines and state is StepState.RUNNING else "",
        layers=latest_layers(each for each in this.records if isinstance(each, Layer)),
    )


def _state(
    operation: Operation, this: _Begun, following: _Begun | None, plan: Sequence[Step]
) -> StepState:
    broken_off = StepState.CANCELLED if operation.cancelled_by else StepState.FAILED
    is_planned = this.step in plan
    if following:
        return StepState.DONE if following.step in plan or not is_planned else broken_off
    if operation.state is OperationState.RUNNING:
        return StepState.RUNNING
    if operation.state is OperationState.SUCCEEDED:
        return StepState.DONE
    if operation.state is OperationState.INTERRUPTED or operation.code == ROLLBACK_FAILED:
        return StepState.FAILED
    return broken_off if is_planned else StepState.DONE
