"""Troubles: what is wrong with a deployment, and how long each trouble lasts.

A trouble lasts until the gateway runs again or somebody stops it. Everything in between
belongs to it and is reported once, unless it gets worse (a crash becomes a crash loop).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.core.operations.kinds import LAUNCHES, OperationKind
from app.core.webhook.notifications import Notification, WebhookEvent


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a deployment. Stored under these names, even after the trouble is `over`.

    `entry` is the history's entry about the trouble, with all updates. `told` is the worst event
    that was reported. `down` means that the gateway has not run since the trouble began; after some
    failed operations the gateway still runs.
    """

    number: int
    entry: Mapping[str, Any]
    told: WebhookEvent | None = None
    over: bool = False
    down: bool = False


@dataclass(frozen=True, slots=True)
class HistoryCursor:
    """How far a history was read: the last entry's number, and the trouble and operation so far.

    Stored on disk, so that a restarted server continues where the last server stopped.
    """

    number: int = 0
    trouble: Trouble | None = None
    operation: int | None = None
    kind: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether something may have to be reported without a new entry in the history."""
        return self.operation is not None or bool(self.trouble and not self.trouble.over)


# The new cursor, and what to report.
CursorUpdate = tuple[HistoryCursor, list[Notification]]


def after_failure(cursor: HistoryCursor, kind: str, number: int) -> HistoryCursor:
    """Return the cursor after a failed operation: a failed launch begins a trouble."""
    if kind not in LAUNCHES:
        return cursor
    return replace(cursor, trouble=Trouble(number, {}, WebhookEvent.OPERATION_FAILED))


def recovered(
    cursor: HistoryCursor, deployment_id: str, at: datetime | None, reason: str
) -> CursorUpdate:
    """End the current trouble; report it only if the trouble was reported."""
    trouble = cursor.trouble
    if trouble is None or trouble.over or at is None:
        return cursor, []
    cursor = replace(cursor, trouble=replace(trouble, over=True))
    if trouble.told is None:
        return cursor, []
    notice = Notification(WebhookEvent.RECOVERED, deployment_id, trouble.number, at, reason)
    return cursor, [notice]


def operation_noun(kind: str) -> str:
    return OperationKind(kind).noun if kind in list(OperationKind) else "deletion"
