"""Notifications: what the webhook reports, and the JSON object that its receiver gets.

The object suits Slack, Discord and scripts alike. Slack reads `text`, Discord reads `content` and
`allowed_mentions`; each ignores other keys. Names and reasons may contain anything, so they must
not be able to mention anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.core.records import AwareDatetime
from app.core.text import clean

# Discord rejects more than 2000 characters.
_LONGEST = 1500
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class WebhookEvent(StrEnum):
    CRASHED = "crashed"
    CRASH_LOOP = "crash_loop"
    UNHEALTHY = "unhealthy"
    OPERATION_FAILED = "operation_failed"
    RECOVERED = "recovered"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to report. `incident` is the number of the report's entry in the history."""

    event: WebhookEvent
    deployment_id: str
    incident: int
    at: AwareDatetime
    reason: str

    @property
    def id(self) -> str:
        """An id for all attempts to send, so that a receiver can drop repetitions."""
        seconds = int(self.at.timestamp())
        return f"{self.deployment_id or '-'}/{self.incident}/{self.event}/{seconds}"


def sentence(notice: Notification, name: str) -> str:
    """Return a notification as a sentence for people."""
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


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """A notification, and the deployment's name, status and page when it was made."""

    notice: Notification
    name: str = ""
    status: str = ""
    url: str = ""


def payload(message: WebhookMessage, dropped: int = 0) -> Mapping[str, Any]:
    """Return the object to send. `dropped` is how many earlier messages did not arrive."""
    notice = message.notice
    words = clean(sentence(notice, message.name))
    if len(words) > _LONGEST:
        words = f"{words[:_LONGEST]}…"
    if dropped:
        words += f" ({dropped} earlier message{'s' if dropped > 1 else ''} did not arrive.)"
    link = f"\n{message.url}" if message.url else ""
    return {
        "text": words.translate(_SLACK) + link,
        "content": words + link,
        "allowed_mentions": {"parse": []},
        "id": notice.id,
        "event": notice.event,
        "deployment_id": notice.deployment_id or None,
        "name": message.name or None,
        "status": message.status or None,
        "reason": notice.reason,
        "at": notice.at.isoformat(timespec="seconds"),
        "url": message.url or None,
        "incident": notice.incident or None,
        "dropped": dropped,
    }
