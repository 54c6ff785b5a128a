"""An operation: a long change of a deployment, in a process of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.core.operations.kinds import OperationKind
from app.core.operations.steps import Step
from app.core.records import AwareDatetime
from app.core.snapshot import Run

# Code of an operation whose process could not be started: nothing was done.
NOT_STARTED = "not_started"
# Code of a failure whose rollback failed too.
ROLLBACK_FAILED = "not_put_back"
# Codes of failures that are not specific to a step.
DEADLINE, INTERNAL_ERROR = "deadline", "internal_error"
# After these codes it is unknown how far the operation got.
_BROKEN_OFF = (ROLLBACK_FAILED, DEADLINE, INTERNAL_ERROR)
# The arguments that make an operation undo or finish the interrupted operation before it.
RESUMPTIONS = ("undo", "finish")


class OperationState(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def phrase(self) -> str:
        """The state as the end of a sentence about the operation."""
        return _PHRASES[self]


_PHRASES = {
    OperationState.RUNNING: "is under way",
    OperationState.SUCCEEDED: "succeeded",
    OperationState.FAILED: "failed",
    OperationState.CANCELLED: "was cancelled",
    OperationState.INTERRUPTED: "was interrupted",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `number` counts up from 1 in each deployment.

    `code` and `reason` give the cause of a failure, `next_step` says what to do about the failure,
    and `fix` is a shell command for the next step, or empty.
    `cancelled_by` is set as soon as somebody cancels a running operation.
    `free_port` is proposed instead of a taken port.
    `arguments` depend on the kind. The API shows the arguments, so they hold no secret.
    """

    deployment_id: str
    number: int
    kind: OperationKind
    actor: str
    started_at: AwareDatetime
    state: OperationState
    ended_at: AwareDatetime | None = None
    code: str = ""
    reason: str = ""
    next_step: str = ""
    fix: str = ""
    verified: Run | None = None
    cancelled_by: str = ""
    free_port: int | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def launches(self) -> bool:
        """Say whether the operation brings a gateway up."""
        return self.kind.facts.launches or self.arguments.get("then") in ("restart", "launch")

    @property
    def planned_steps(self) -> tuple[Step, ...]:
        facts = self.kind.facts
        return facts.steps if self.launches else facts.steps_without_launch or facts.steps

    @property
    def can_be_cancelled(self) -> bool:
        running = self.state is OperationState.RUNNING
        return running and self.kind.facts.can_be_cancelled and not self.cancelled_by

    @property
    def can_be_resumed(self) -> bool:
        """Say whether the operation can be finished or undone, from its copies of the files."""
        left = self.state is OperationState.INTERRUPTED or self.code in _BROKEN_OFF
        still_left = bool(self.resumption) and self.code == NOT_STARTED
        return (left or still_left) and self.kind.facts.can_be_resumed

    @property
    def resumption(self) -> str:
        """What the operation does with the interrupted operation: `undo`, `finish` or empty."""
        return next((each for each in RESUMPTIONS if each in self.arguments), "")

    @property
    def decides_whether_up(self) -> bool:
        """Say whether the operation decides if the deployment should have a container.

        Launches and stops do, unless their process could not be started. So does a renewal that
        ended without a verified run, because the renewal may have left no container.
        """
        if self.code == NOT_STARTED:
            return False
        facts = self.kind.facts
        broken_off = self.state in (OperationState.FAILED, OperationState.INTERRUPTED)
        left_none = facts.renews and broken_off and self.verified is None
        return self.launches or facts.stops or left_none
