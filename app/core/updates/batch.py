"""A batch: the update of several deployments, one after the other, up to the first failure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.core.deployment import is_id
from app.core.operations.operation import OperationState
from app.core.records import AwareDatetime, as_record, read_json, record_to_json

_REQUEST_FIELDS = ("ids", "image", "actor", "source", "started_at")
_PROGRESS_FIELDS = ("begun", "state", "ended_at", "reason", "failed")


@dataclass(frozen=True, slots=True)
class Batch:
    """`begun` has the number of each deployment's operation, 0 if a deployment needed no update.

    `reason` says why the batch ended early, `failed` is the deployment that ended it. `source` is
    the address from which the batch was requested.
    """

    number: int
    ids: tuple[str, ...]
    image: str
    actor: str
    source: str
    started_at: AwareDatetime
    state: OperationState
    begun: Mapping[str, int] = field(default_factory=dict)
    ended_at: AwareDatetime | None = None
    reason: str = ""
    failed: str = ""
    cancelled_by: str = ""

    @property
    def left(self) -> tuple[str, ...]:
        """The deployments whose update has not begun."""
        return tuple(each for each in self.ids if each not in self.begun)

    def turn_of(self, deployment_id: str) -> str:
        """Return in words how far the update of one deployment is."""
        operation = self.begun.get(deployment_id)
        if deployment_id == self.failed:
            return "was not updated"
        if operation is None:
            waits = self.is_running and not self.cancelled_by
            return "waits for its turn" if waits else "left as it is"
        if operation == 0:
            return "already ran this image"
        last = list(self.begun)[-1] == deployment_id
        if last and self.is_running:
            return "is being updated"
        return "is still being updated" if last and self.was_interrupted else "updated"

    @property
    def was_interrupted(self) -> bool:
        return self.state is OperationState.INTERRUPTED

    @property
    def is_running(self) -> bool:
        return self.state is OperationState.RUNNING


def request_to_json(batch: Batch) -> bytes:
    """Return the request for a batch as JSON. The request never changes."""
    return record_to_json(batch, _REQUEST_FIELDS)


def progress_to_json(batch: Batch) -> bytes:
    return record_to_json(batch, _PROGRESS_FIELDS)


def batch_from_json(number: int, request: bytes, progress: bytes) -> Batch:
    """Return a batch from its two records. Raise ValueError if they are damaged."""
    fields = _named(request, _REQUEST_FIELDS) | _named(progress, _PROGRESS_FIELDS)
    batch = as_record(Batch, {**fields, "number": number})
    return replace(batch, ids=tuple(filter(is_id, batch.ids)))


def _named(data: bytes, names: tuple[str, ...]) -> dict[str, Any]:
    record = read_json(data)
    if not isinstance(record, dict) or not record.keys() >= set(names):
        raise ValueError("a field of a batch's record is missing")
    return {name: record[name] for name in names}
