"""Notifications: what the webhook reports, in words."""

from dataclasses import dataclass
from enum import StrEnum

from app.core.records import AwareDatetime


class WebhookEvent(StrEnum):
    CRASHED = "crashed"
    CRASH_LOOP = "crash_loop"
    UNHEALTHY = "unhealthy"
    OPERATION_FAILED = "operation_failed"
    RECOVERED = "recovered"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to report. `incident` is the number of its entry in the history."""

    event: WebhookEvent
    deployment_id: str
    incident: int
    at: AwareDatetime
    reason: str

    @property
    def id(self) -> str:
        """The same for every attempt to send it, so that a receiver can drop repetitions."""
        seconds = int(self.at.timestamp())
        return f"{self.deployment_id or '-'}/{self.incident}/{self.event}/{seconds}"


def sentence(notice: Notification, name: str) -> str:
    """Return a notification as people read it."""
    who = f"{name} ({notice.deployment_id})" if name else notice.deployment_id
    return f"{who}{_SENTENCES[notice.event]}: {notice.reason}".strip()


_SENTENCES = {
    WebhookEvent.CRASHED: " crashed",
    WebhookEvent.CRASH_LOOP: " keeps crashing",
    WebhookEvent.UNHEALTHY: " is unhealthy",
    WebhookEvent.OPERATION_FAILED: "",
    WebhookEvent.RECOVERED: " has recovered",
    WebhookEvent.TEST: "Deploy Agent",
}
