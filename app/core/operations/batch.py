"""A batch: one update of several deployments, one after the other, up to the first that fails."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.deployment import is_id
from app.core.operations.operation import OperationState
from app.core.records import parse_moment, read_json


@dataclass(frozen=True, slots=True)
class Batch:
    """`begun` has the operation of each deployment that had its turn, 0 where it needed none.

    `reason` says why it ended before all had their turn, `failed` which one ended it;
    `source` is the address that it was asked for from.
    """

    number: int
    ids: tuple[str, ...]
    image: str
    actor: str
    source: str
    started_at: datetime
    state: OperationState
    begun: Mapping[str, int] = field(default_factory=dict)
    ended_at: datetime | None = None
    reason: str = ""
    failed: str = ""
    cancelled_by: str = ""

    @property
    def left(self) -> tuple[str, ...]:
        """Those that have not had their turn."""
        return tuple(each for each in self.ids if each not in self.begun)

    def turn_of(self, deployment_id: str) -> str:
        """Return in words what came of one."""
        operation = self.begun.get(deployment_id)
        if deployment_id == self.failed:
            return "was not updated"
        if operation is None:
            waits = self.is_running and not self.cancelled_by
            return "waits for its turn" if waits else "left as it is"
        if operation == 0:
            return "ran it already"
        last = list(self.begun)[-1] == deployment_id
        if last and self.is_running:
            return "is being updated"
        return "goes on by itself" if last and self.was_interrupted else "updated"

    @property
    def was_interrupted(self) -> bool:
        return self.state is OperationState.INTERRUPTED

    @property
    def is_running(self) -> bool:
        return self.state is OperationState.RUNNING


def asked_to_json(batch: Batch) -> bytes:
    """Return what was asked for, which never changes."""
    return _json(
        ids=batch.ids,
        image=batch.image,
        actor=batch.actor,
        source=batch.source,
        started_at=batch.started_at.isoformat(),
    )


def progress_to_json(batch: Batch) -> bytes:
    """Return how far it is."""
    return _json(
        begun=dict(batch.begun),
        state=batch.state,
        ended_at=batch.ended_at.isoformat() if batch.ended_at else None,
        reason=batch.reason,
        failed=batch.failed,
    )


def batch_from_json(number: int, asked: bytes, progress: bytes) -> Batch:
    """Return a batch as it was written down last. Raises ValueError where that is damaged."""
    try:
        first, then = read_json(asked), read_json(progress)
        ended_at = then["ended_at"]
        return Batch(
            number,
            tuple(each for each in first["ids"] if is_id(each)),
            str(first["image"]),
            str(first["actor"]),
            str(first["source"]),
            parse_moment(first["started_at"]),
            OperationState(then["state"]),
            {str(name): int(at) for name, at in then["begun"].items()},
            parse_moment(ended_at) if ended_at else None,
            str(then["reason"]),
            str(then["failed"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no record of a batch: {error}") from None


def _json(**values: Any) -> bytes:
    return json.dumps(values).encode()
