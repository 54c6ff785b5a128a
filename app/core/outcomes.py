"""Outcomes: what to say aloud when an operation that somebody saw running has ended."""

from collections.abc import Iterable

from app.core.deployment import Deployment, Operation, OperationState


class Outcomes:
    """Remembers what ran at the last look, for one viewer."""

    def __init__(self) -> None:
        self._running: dict[str, int] = {}

    def of(self, deployments: Iterable[Deployment]) -> list[str]:
        """Return a sentence for each operation that has ended since the last look."""
        running: dict[str, int] = {}
        told = []
        for each in deployments:
            operation = each.operation
            if operation is None:
                continue
            if operation.state is OperationState.RUNNING:
                running[each.id] = operation.number
            elif self._running.get(each.id) == operation.number:
                told.append(outcome_words(each, operation))
        self._running = running
        return told


def outcome_words(deployment: Deployment, operation: Operation) -> str:
    name = deployment.name or deployment.id
    by = f" by {operation.cancelled_by}" if operation.cancelled_by else ""
    words = f"{name}: the {operation.kind} {ENDED[operation.state]}{by}."
    if by:
        return words
    return f"{words} {operation.reason}".strip()


ENDED = {
    OperationState.SUCCEEDED: "succeeded",
    OperationState.FAILED: "failed",
    OperationState.CANCELLED: "was cancelled",
    OperationState.INTERRUPTED: "was interrupted",
}
