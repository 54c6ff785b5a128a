"""An operation: something long that changes a deployment, in a process of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.core.operations.kinds import CANCELLABLE, LAUNCHES, RENEWALS, STOPS, OperationKind
from app.core.snapshot import Run

# The code of an operation whose process the system refused: nothing was done.
NOT_STARTED = "not_started"
# The code of what failed, and of which what was before could not be put back.
NOT_BACK = "not_put_back"
# Those of what ended where nobody had thought of it.
DEADLINE, INTERNAL_ERROR = "deadline", "internal_error"
# Of these nobody knows how far they came.
_BROKEN_OFF = (NOT_BACK, DEADLINE, INTERNAL_ERROR)
# What is done with a reconfiguration that is left half done: the argument of the one that does it.
RESUMPTIONS = ("undo", "finish")


class OperationState(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Operation:
    """Something long that changes a deployment. `number` counts up from 1 per deployment.

    Of a failed one, `code` and `reason` name the cause, `next_step` what to do, and `fix` is a
    line for a shell that does it, where there is one.
    `cancelled_by` is who asked for its end: it may still be running then.
    `free_port` can be had instead of one that is taken.
    `arguments` is what its kind needs to know; they are shown, so no secret is among them.
    """

    deployment_id: str
    number: int
    kind: OperationKind
    actor: str
    started_at: datetime
    state: OperationState
    ended_at: datetime | None = None
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
        """Say whether it is to bring a gateway up."""
        return self.kind in LAUNCHES or self.arguments.get("then") in ("restart", "launch")

    @property
    def can_be_cancelled(self) -> bool:
        running = self.state is OperationState.RUNNING
        return running and self.kind in CANCELLABLE and not self.cancelled_by

    @property
    def can_be_resumed(self) -> bool:
        """Say whether it can be finished or undone: what the files were and are to be is kept."""
        left = self.state is OperationState.INTERRUPTED or self.code in _BROKEN_OFF
        still_left = bool(self.resumption) and self.code == NOT_STARTED
        return (left or still_left) and self.kind is OperationKind.RECONFIGURE

    @property
    def resumption(self) -> str:
        """What it does with one before it: `undo`, `finish`, or nothing."""
        return next((each for each in RESUMPTIONS if each in self.arguments), "")

    @property
    def tells_what_should_run(self) -> bool:
        """Say whether it tells if there should be a container, and why there is none.

        A renewal does where it ended without a proven run: it may have left none.
        One whose process could not be started has changed nothing.
        """
        if self.code == NOT_STARTED:
            return False
        broken_off = self.state in (OperationState.FAILED, OperationState.INTERRUPTED)
        left_none = self.kind in RENEWALS and broken_off and self.verified is None
        return self.launches or self.kind in STOPS or left_none
