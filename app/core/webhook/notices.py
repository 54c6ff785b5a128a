"""Notices: what is told to people who look at no page, and its words."""

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
    """One thing to tell. `incident` is the number of the history's entry that it is of."""

    event: WebhookEvent
    deployment_id: str
    incident: int
    at: AwareDatetime
    reason: str

    @property
    def id(self) -> str:
        """The same however often it is sent, so that whoever gets it twice can tell."""
        seconds = int(self.at.timestamp())
        return f"{self.deployment_id or '-'}/{self.incident}/{self.event}/{seconds}"


def sentence(notice: Notification, name: str) -> str:
    """Return a notice as people read it."""
    who = f"{name} ({notice.deployment_id})" if name else notice.deployment_id
    return f"{who}{_SENTENCES[notice.event]}: {notice.reason}".strip()


_SENTENCES = {
    WebhookEvent.CRASHED: " crashed",
    WebhookEvent.CRASH_LOOP: " crashes again and again",
    WebhookEvent.UNHEALTHY: " is not healthy",
    WebhookEvent.OPERATION_FAILED: "",
    WebhookEvent.RECOVERED: " is well again",
    WebhookEvent.TEST: "Deploy Agent",
}
