"""The JSON object that the webhook's receiver gets, for Slack, Discord and scripts alike.

Slack reads `text`, Discord reads `content` and `allowed_mentions`; each ignores other keys.
Names and reasons may contain anything, so they must not be able to mention anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.text import clean
from app.core.webhook.notifications import Notification, sentence

# Discord rejects more than 2000 characters.
_LONGEST = 1500
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """A notification with its deployment's name, status and page at that time."""

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
