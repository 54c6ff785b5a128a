"""What is answered about operations."""

from typing import Any, Literal, Self

from pydantic import Field

from app.core.answers import Answer, AnswerPart, DeploymentId, Time
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation, OperationState
from app.core.status.status import Status

# An interrupted operation had no time to write down a reason.
INTERRUPTION = "its process was ended, or the host restarted."


class OperationShown(AnswerPart):
    """A launch, stop or other operation: anything that takes more than a moment."""

    id: int = Field(description="Counts up from 1 in each deployment.")
    kind: OperationKind
    state: OperationState
    actor: str = Field(description="Who started it.")
    cancelled_by: str = Field(description="Who cancelled it; empty if nobody did.")
    arguments: dict[str, str] = Field(description="Settings of this operation, without secrets.")
    started_at: Time
    ended_at: Time | None
    reason: str = Field(description="Why it failed, in words.")
    next_step: str = Field(description="What to do about it.")
    fix: str = Field(description="A shell command for this host that repairs it, if there is one.")
    code: str = Field(description="The stable name of the cause.")
    free_port: int | None = Field(description="A free port, if the deployment's own is taken.")

    @classmethod
    def of(cls, shown: Operation, **named: Any) -> Self:
        interrupted = shown.state is OperationState.INTERRUPTED
        return super().of(
            shown,
            id=shown.number,
            reason=INTERRUPTION if interrupted else shown.reason,
            next_step=shown.kind.after_interruption if interrupted else shown.next_step,
            **named,
        )


class OperationGoesOn(Answer):
    """The operation is still running."""

    deployment_id: DeploymentId
    status: Literal["launching", "stopping"]
    operation: OperationShown
    warning: str = Field(
        "", description="Of a launch: why this host may be short of memory or disk for it."
    )

    @classmethod
    def of(cls, shown: Operation, **named: Any) -> Self:
        return super().of(shown, operation=OperationShown.of(shown), **named)


class CancelledAnswer(Answer):
    """The operation has ended; `status` is the deployment's status after it."""

    deployment_id: DeploymentId
    status: Status
    operation: OperationShown
