"""API answers about operations."""

from typing import Any, Literal, Self

from pydantic import Field

from app.core.answers import Answer, AnswerPart, DeploymentId, Time
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation, OperationState
from app.core.status.status import Status

# The deployment's status while its operation is still running.
GoingOn = Literal["launching", "stopping"]
# The reason shown for interrupted operations: their process could not record one.
INTERRUPTION = "its process was ended, or the host restarted."


class OperationShown(AnswerPart):
    """A launch, stop or other operation: any action that takes more than a moment."""

    id: int = Field(description="Counts up from 1 in each deployment.")
    kind: OperationKind
    state: OperationState
    actor: str = Field(description="Who started the operation.")
    cancelled_by: str = Field(description="Who cancelled the operation; empty if nobody did.")
    arguments: dict[str, str] = Field(description="Settings of this operation, without secrets.")
    started_at: Time
    ended_at: Time | None
    reason: str = Field(description="Why the operation failed.")
    next_step: str = Field(description="What to do about the failure.")
    fix: str = Field(description="A shell command for this host that removes the cause, if any.")
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
    status: GoingOn
    operation: OperationShown
    warning: str = Field(
        "", description="For a launch: why this host may be short of memory or disk."
    )

    @classmethod
    def of(cls, shown: Operation, **named: Any) -> Self:
        return super().of(shown, operation=OperationShown.of(shown), **named)


class CancelledAnswer(Answer):
    """The operation has ended; `status` is the deployment's status afterwards."""

    deployment_id: DeploymentId
    status: Status
    operation: OperationShown
