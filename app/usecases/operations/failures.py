"""Failures of an operation, and their causes."""

from typing import Self

from app.core.diagnosis.causes import Cause
from app.core.errors import EngineError
from app.core.settings.env_parser import EnvFileError
from app.core.snapshot import Run
from app.engine.compose_call import ComposeFailed
from app.store.files import Unreadable
from app.store.storage_errors import storage_cause
from app.store.update_files import CopyFailed
from app.usecases.operations.operation_context import Cancelled, OperationContext
from app.usecases.status.causes import cause_of_engine, compose_cause


class OperationFailed(Exception):
    """An operation failed for a known cause.

    `verified` is the run verified in spite of the failure, for example after a rollback.
    """

    def __init__(self, cause: Cause, verified: Run | None = None) -> None:
        super().__init__(cause.sentence)
        self.cause = cause
        self.verified = verified

    @classmethod
    def of(cls, code: str, words: str, next_step: str, verified: Run | None = None) -> Self:
        return cls(Cause(code, words, next_step), verified)


# The exceptions that `cause_of` can explain, besides Cancelled, which is no Exception.
FAILURES = (
    OperationFailed,
    ComposeFailed,
    EngineError,
    CopyFailed,
    Unreadable,
    EnvFileError,
    OSError,
)


def cause_of(failure: BaseException, op: OperationContext) -> Cause:
    """Return why an operation failed; code and words are empty for an unforeseen failure."""
    match failure:
        case OperationFailed():
            return failure.cause
        case ComposeFailed():
            return compose_cause(failure, op.deployment, op.context)
        case EngineError():
            return cause_of_engine(failure, op.deployment, op.context)
        case CopyFailed():
            return Cause("not_copied", f"The gateway's state could not be copied: {failure}.", "")
        case Unreadable():
            return Cause("unreadable", f"A file of the deployment {failure}.", "")
        case EnvFileError():
            return Cause("env_unreadable", f".env can't be understood: {failure}.", "")
        case OSError():
            return storage_cause(failure)
        case Cancelled():
            return Cause("cancelled", "The operation was cancelled.", "")
    return Cause("", "", "")
