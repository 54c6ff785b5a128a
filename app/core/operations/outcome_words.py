"""Outcomes: what to say aloud when an operation that somebody saw running has ended."""

from collections.abc import Iterable

from app.core.deployment import Deployment
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation, OperationState


class Outcomes:
    """Remembers what ran at the last look, for one viewer."""

    def __init__(self) -> None:
        self._running: dict[str, Operation] = {}
        self._names: dict[str, str] = {}

    def of(self, deployments: Iterable[Deployment]) -> list[str]:
        """Return a sentence for each operation that has ended since the last look."""
        running: dict[str, Operation] = {}
        told = []
        for each in deployments:
            operation, before = each.operation, self._running.pop(each.id, None)
            if operation is None:
                continue
            if operation.state is OperationState.RUNNING:
                running[each.id] = operation
                self._names[each.id] = each.name or each.id
            elif before and before.number == operation.number:
                told.append(outcome_words(each, operation))
        # What is listed no more while it was being archived, is archived.
        told += [
            f"{self._names[gone]} is in the archive now."
            for gone, operation in self._running.items()
            if operation.kind is OperationKind.ARCHIVE
        ]
        self._running = running
        return told


def outcome_words(deployment: Deployment, operation: Operation) -> str:
    name = deployment.name or deployment.id
    by = f" by {operation.cancelled_by}" if operation.cancelled_by else ""
    words = f"{name}: the {operation.kind.noun} {ENDED[operation.state]}{by}."
    if by:
        return words
    return f"{words} {operation.reason}".strip()


ENDED = {
    OperationState.SUCCEEDED: "succeeded",
    OperationState.FAILED: "failed",
    OperationState.CANCELLED: "was cancelled",
    OperationState.INTERRUPTED: "was interrupted",
}
