"""Transaction: a change that is rolled back unless the gateway works with it.

Update, reconfigure, rotate token and allow origin share one sequence: apply the change, bring the
gateway up, verify it. On any failure or cancellation, put the old files or state back, bring the
old gateway up, and report the failure and the rollback together. This module has the sequence and
its messages. Each of the four operations provides a `Change`: what to keep, how to apply the
change, and how to put the old back.

A killed process runs no rollback. For that case, the module of each change says what is kept on
disk, and who finishes or undoes the change.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from app.core.diagnosis.causes import Cause
from app.core.operations.operation import ROLLBACK_FAILED
from app.core.operations.steps import Step
from app.core.snapshot import Run
from app.usecases.operations.failures import FAILURES, OperationFailed, cause_of
from app.usecases.operations.operation_context import Cancellation, Cancelled, OperationContext

# The state of the old gateway after a rollback.
RUNS, UNTOUCHED, DOWN = "runs", "was not touched", "is down, as before"


class Change(Protocol):
    """The change of one kind of operation."""

    @property
    def old(self) -> str:
        """What a rollback puts back, as the subject of a sentence: "The old token"."""

    def apply(self, op: OperationContext) -> Run | None:
        """Change, bring the gateway up, verify it. Return the run; None if it stays down."""

    def roll_back(self, op: OperationContext) -> Sequence[str]:
        """Put the old files back; return the files left alone because somebody changed them.

        Can be repeated after a failure, and called if nothing was changed.
        """

    def bring_back(self, op: OperationContext) -> tuple[str, Run | None]:
        """Bring the old gateway up; return RUNS, UNTOUCHED or DOWN, and the verified run.

        If it does not come up, the change keeps the code of its failure. A change for which that
        is a failed rollback raises `not_put_back`.
        """


def run_transaction(op: OperationContext, change: Change) -> Run | None:
    """Apply a change and return the verified run, or None if the gateway stays down.

    Roll back on any failure. Raise OperationFailed or Cancelled, whose text reports the rollback
    too, with the run verified after the rollback. Code `not_put_back`: the rollback failed.
    """
    try:
        return change.apply(op)
    except BaseException as failure:
        raise _rolled_back(op, change, failure) from failure


def put_back(op: OperationContext, change: Change, why: str = "") -> Sequence[str]:
    """Put the old files back, but not the gateway; return the files left alone.

    Raise OperationFailed with code `not_put_back` and a text that begins with `why`.
    """
    op.step(Step.BACK, "Rolling back what was changed")
    with half_done_on_failure(op, f"{why} {change.old} could not be put back."):
        return change.roll_back(op)


@contextmanager
def half_done_on_failure(op: OperationContext, words: str = "") -> Iterator[None]:
    """Turn a failure into `not_put_back`: `words`, the cause, and how to finish or undo.

    Raise OperationFailed.
    """
    try:
        yield
    except FAILURES as error:
        cause = cause_of(error, op)
        if cause.code == ROLLBACK_FAILED:
            raise
        step = f"{cause.next_step} {op.operation.kind.after_interruption}"
        words = f"{words} {cause.words}"
        raise OperationFailed.of(ROLLBACK_FAILED, words.strip(), step.strip()) from error


def _rolled_back(op: OperationContext, change: Change, failure: BaseException) -> BaseException:
    """Roll back; return the failure with the outcome of the rollback."""
    cause = cause_of(failure, op)
    if cause.code:
        op.say(cause.sentence)
    # A rollback can't be cancelled: who cancels a change wants the old gateway back.
    op = replace(op, cancellation=Cancellation(lambda: False))
    put = _what_was_put_back(change, put_back(op, change, cause.words))
    run = None
    try:
        gateway, run = change.bring_back(op.reloaded())
        words = f"{put}, and the gateway {gateway}."
        if isinstance(failure, Cancelled):
            return Cancelled(words, run)
        cause = Cause(cause.code, f"{cause.words} {words}", cause.next_step)
    except FAILURES as error:
        again = cause_of(error, op)
        words = f"{cause.words} {put}, but the gateway does not come up: {again.words}"
        step = again.next_step or "Launch the gateway again."
        code = again.code if again.code == ROLLBACK_FAILED else cause.code
        cause = replace(again, code=code, words=words, next_step=step)
    # No code means an unforeseen failure, which the operation's process reports.
    return OperationFailed(cause, run) if cause.code else failure


def _what_was_put_back(change: Change, left_alone: Sequence[str]) -> str:
    if not left_alone:
        return f"{change.old} was put back"
    names = " and ".join(left_alone)
    return f"Everything but {names}, which somebody changed meanwhile, was put back"
