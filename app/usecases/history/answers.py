"""API answers about a history."""

from typing import Any, Self

from pydantic import Field

from app.core.answers import AnswerPart, DeploymentId, TextOrNull, Time
from app.core.history.timeline import TimelineEntry
from app.core.history.timeline_words import EntryKind


class HistoryEntryShown(AnswerPart):
    """One action or incident."""

    id: str = Field(description="Unique among all entries.")
    deployment_id: DeploymentId | None = Field(
        description="Null if the entry concerns no deployment."
    )
    at: Time
    kind: EntryKind
    what: str = Field(description="The stable name of the action or incident.")
    words: str
    who: str
    source: TextOrNull = Field(
        serialization_alias="from", description="The IP address from which the request was sent."
    )
    outcome: TextOrNull
    reason: TextOrNull
    operation: int | None
    ended_at: Time | None
    details: dict[str, Any]

    @classmethod
    def of(cls, shown: TimelineEntry, **named: Any) -> Self:
        return super().of(
            shown,
            deployment_id=shown.deployment_id or None,
            reason=shown.detail,
            details=shown.more,
            **named,
        )
