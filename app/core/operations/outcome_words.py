"""Announcements to a viewer about operations that have ended."""

from collections.abc import Iterable

from app.core.deployment import Deployment
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation, OperationState


class Outcomes:
    """Remembers for one viewer which operations were running."""

    def __init__(self) -> None:
        self._running: dict[str, Operation] = {}
        self._names: dict[str, str] = {}

    def of(self, deployments: Iterable[Deployment]) -> list[str]:
        """Return a sentence for each operation that has ended since the last call."""
        running: dict[str, Operation] = {}
        ended = []
        for each in deployments:
            operation, before = each.operation, self._running.pop(each.id, None)
            if operation is None:
                continue
            if operation.state is OperationState.RUNNING:
                running[each.id] = operation
                self._names[each.id] = each.label
            elif before and before.number == operation.number:
                ended.append(outcome_words(each, operation))
        # An archived deployment is no longer listed, so its operation can't be read here.
        ended += [
            f"{self._names[gone]} is in the archive now."
            for gone, operation in self._running.items()
            if operation.kind is OperationKind.ARCHIVE
        ]
        self._running = running
        return ended


def outcome_words(deployment: Deployment, operation: Operation) -> str:
    by = f" by {operation.cancelled_by}" if operation.cancelled_by else ""
    words = f"{deployment.label}: the {operation.kind.noun} {operation.state.phrase}{by}."
    if by:
        return words
    return f"{words} {operation.reason}".strip()
