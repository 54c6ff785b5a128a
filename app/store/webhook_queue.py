"""The webhook's queue: `deployments/.deploy-agent/notices.json`, mode 0600.

The cursors in the histories (`places` in the file) and the queued messages change in one write,
so a crash at any moment loses no message. A message is removed after it was sent: a crash
between the two sends the message twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from app.core.records import AwareDatetime, read_record, record_to_json
from app.core.webhook.notifications import WebhookMessage
from app.core.webhook.troubles import HistoryCursor
from app.store.file_writes import write_file
from app.store.files import AGENT_DIR, Unreadable, agent_dir, raise_shortage, read_file
from app.store.locks import waiting_for

_KEPT = 20
MOST_WAITING = 100


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome of one message, without the receiver's address."""

    at: AwareDatetime
    event: str
    deployment_id: str
    name: str
    ok: bool
    words: str
    tries: int
    milliseconds: int


@dataclass(slots=True)
class WebhookQueue:
    """The waiting messages, the latest deliveries, and how far each history has been read.

    `since` is when messages were turned on; earlier events are not sent. `trouble` is why the
    first waiting message was not delivered at the last try.
    """

    since: AwareDatetime
    places: dict[str, HistoryCursor] = field(default_factory=dict)
    waiting: list[WebhookMessage] = field(default_factory=list)
    dropped: int = 0
    trouble: str = ""
    deliveries: list[Delivery] = field(default_factory=list)

    def add(self, message: WebhookMessage) -> None:
        """Queue a message; if too many wait, drop the oldest."""
        self.waiting.append(message)
        self.dropped += len(self.waiting[:-MOST_WAITING])
        self.waiting = self.waiting[-MOST_WAITING:]

    def settle(self, message: WebhookMessage, delivery: Delivery, dropped: int) -> None:
        """Record a delivery and remove its message from the queue.

        `dropped` is the number of dropped messages that this message reported.
        """
        self.waiting = [each for each in self.waiting if each.notice.id != message.notice.id]
        self.dropped += -dropped if delivery.ok else 1
        self.trouble = ""
        self.note(delivery)

    def note(self, delivery: Delivery) -> None:
        self.deliveries = [delivery, *self.deliveries][:_KEPT]


class WebhookQueueStore:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / AGENT_DIR / "notices.json"

    def read(self) -> WebhookQueue | None:
        """Return the queue; None if messages were never turned on or the file is damaged."""
        try:
            return read_record(WebhookQueue, read_file(self._path))
        except FileNotFoundError:
            return None
        except (ValueError, Unreadable, OSError) as error:
            raise_shortage(error)
            return None

    @contextmanager
    def changing(self) -> Iterator[WebhookQueue]:
        """Yield the queue for changes. Save a changed queue if the block succeeds.

        Raises OSError.
        """
        with waiting_for(agent_dir(self._root)):
            existing = self.read()
            before = record_to_json(existing) if existing else b""
            queue = existing or WebhookQueue(datetime.now(UTC))
            yield queue
            if (data := record_to_json(queue)) != before:
                write_file(self._path, data)

    def forget(self) -> None:
        """Delete the queue, so that events are not sent until messages are turned on again."""
        self._path.unlink(missing_ok=True)
