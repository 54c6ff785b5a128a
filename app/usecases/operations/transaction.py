"""Transaction: a change that is rolled back unless the gateway works with it.

Update, reconfigure, rotate token and allow origin go the same way: apply the change, bring the
gateway up, verify it. Whatever fails on the way, or if somebody cancels, put back what was
there, bring the old gateway up, and report both. The sequence and its words are here. Each of
the four gives a `Change`: what it keeps, how it applies that, how it puts it back.

A killed process runs none of this. What each change keeps on disk, and who finishes or undoes
it then, is in its own module.
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

# What became of the old gateway after a rollback.
RUNS, UNTOUCHED, DOWN = "runs", "was not touched", "is down, as before"


class Change(Protocol):
    """What one kind of operation changes."""

    @property
    def old(self) -> str:
        """What a rollback puts back, as the subject of a sentence: "The old token"."""

    def apply(self, op: OperationContext) -> Run | None:
        """Change, bring the gateway up, verify it. Return its run; None if it stays down."""

    def roll_back(self, op: OperationContext) -> Sequence[str]:
        """Put back what was there; return the files left alone since somebody changed them.

        Can be called again after it failed, or after nothing was changed.
        """

    def bring_back(self, op: OperationContext) -> tuple[str, Run | None]:
        """Bring the old gateway up; return RUNS, UNTOUCHED or DOWN, and the verified run."""


def run_transaction(op: OperationContext, change: Change) -> Run | None:
    """Apply a change and return the verified run, or None if the gateway stays down.

    Roll back on any failure. Raise OperationFailed or Cancelled, which report the rollback
    too, with the run that is verified after it. Code `not_put_back`: the rollback failed.
    """
    try:
        return change.apply(op)
    except BaseException as failure:
        raise _rolled_back(op, change, failure) from failure


def put_back(op: OperationContext, change: Change, why: str = "") -> Sequence[str]:
    """Put back what was there, not yet the gateway; return the files left alone.

    Raise OperationFailed with `not_put_back`; its words begin with `why`.
    """
    op.step(Step.BACK, "Rolling back what was changed")
    with half_done_on_failure(op, f"{why} {change.old} could not be put back."):
        return change.roll_back(op)


@contextmanager
def half_done_on_failure(op: OperationContext, words: str) -> Iterator[None]:
    """Turn a failure into `not_put_back`: `words`, its cause, and how to finish or undo.

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
    """Roll back and return the failure with what came of that."""
    cause = cause_of(failure, op)
    if cause.code:
        op.say(cause.sentence)
    # Nobody cancels a rollback: whoever cancels the change wants the old gateway back.
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
        step = again.next_step or "Launch it again."
        cause = replace(again, code=cause.code, words=words, next_step=step)
    # Without a code nobody foresaw the failure: the operation process reports it.
    return OperationFailed(cause, run) if cause.code else failure


def _what_was_put_back(change: Change, left_alone: Sequence[str]) -> str:
    if not left_alone:
        return f"{change.old} was put back"
    names = " and ".join(left_alone)
    return f"Everything but {names}, which somebody changed meanwhile, was put back"
