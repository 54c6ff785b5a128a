"""Failures: why a step of an operation did not succeed, for whoever goes back for it."""

from app.core.diagnosis.causes import Cause
from app.core.settings.env_file import EnvFileError
from app.core.errors import EngineError
from app.engine.compose import ComposeFailed
from app.store.files import Unreadable, storage_cause
from app.store.update_files import CopyFailed
from app.usecases.operations.cancellation import Cancelled
from app.usecases.status.causes import cause_of_engine, compose_cause
from app.usecases.operations.operations import OperationFailed
from app.usecases.operations.operation_context import Task


def cause_of(failure: BaseException, task: Task) -> Cause:
    """Return why something failed; without code and words where only its last place can tell."""
    match failure:
        case OperationFailed():
            return failure.cause
        case ComposeFailed():
            return compose_cause(failure, task.deployment, task.world)
        case EngineError():
            return cause_of_engine(failure, task.deployment, task.world)
        case CopyFailed():
            return Cause("not_copied", f"Its state could not be copied: {failure}.", "")
        case Unreadable():
            return Cause("unreadable", f"A file of it {failure}.", "")
        case EnvFileError():
            return Cause("env_unreadable", f".env can't be understood: {failure}.", "")
        case OSError():
            return storage_cause(failure)
        case Cancelled():
            return Cause("cancelled", "It was cancelled.", "")
    return Cause("", "", "")
