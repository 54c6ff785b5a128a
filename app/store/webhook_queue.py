"""What was told and what is still to be told: `deployments/.deploy-agent/notices.json`, 0600.

Places in histories and messages to send change in one write, so that a crash at any moment
loses no message. One is taken away once it was sent: a crash between the two sends it twice.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from app.core.records import AwareDatetime, read_record
from app.core.webhook.payload import WebhookMessage
from app.core.webhook.troubles import HistoryCursor
from app.store.files import Unreadable, raise_shortage, read_file, write_file
from app.store.history import OURS, our_folder
from app.store.locks import waiting_for

_KEPT = 20
MOST_WAITING = 100


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of a message, after so many tries; no address is in it."""

    at: AwareDatetime
    event: str
    deployment_id: str
    name: str
    ok: bool
    words: str
    tries: int
    milliseconds: int


@dataclass(slots=True)
class Told:
    """`since` is when messages were turned on; what happened before is told to nobody.

    `trouble` is why the first of those that wait was not taken at the last try.
    """

    since: AwareDatetime
    places: dict[str, HistoryCursor] = field(default_factory=dict)
    waiting: list[WebhookMessage] = field(default_factory=list)
    dropped: int = 0
    trouble: str = ""
    deliveries: list[Delivery] = field(default_factory=list)

    def add(self, message: WebhookMessage) -> None:
        """Let a message wait to be sent; where too many do, the oldest is dropped."""
        self.waiting.append(message)
        self.dropped += len(self.waiting[:-MOST_WAITING])
        self.waiting = self.waiting[-MOST_WAITING:]

    def settle(self, message: WebhookMessage, delivery: Delivery, dropped: int) -> None:
        """Write down what came of a message, which waits no longer; `dropped` is what it told."""
        self.waiting = [each for each in self.waiting if each.notice.id != message.notice.id]
        self.dropped += -dropped if delivery.ok else 1
        self.trouble = ""
        self.note(delivery)

    def note(self, delivery: Delivery) -> None:
        self.deliveries = [delivery, *self.deliveries][:_KEPT]


class NoticeStore:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / OURS / "notices.json"

    def read(self) -> Told | None:
        """Return what there is; None where messages were never on, or the file is damaged."""
        try:
            return read_record(Told, read_file(self._path))
        except FileNotFoundError:
            return None
        except (ValueError, Unreadable, OSError) as error:
            raise_shortage(error)
            return None

    @contextmanager
    def changing(self) -> Iterator[Told]:
        """Give what there is, to be changed; written when the block ends well, if it differs.

        Raises OSError.
        """
        with waiting_for(our_folder(self._root)):
            kept = self.read()
            before = _as_json(kept) if kept else b""
            told = kept or Told(datetime.now(UTC))
            yield told
            if (data := _as_json(told)) != before:
                write_file(self._path, data)

    def forget(self) -> None:
        """Let nothing be told later of what happens from now on."""
        self._path.unlink(missing_ok=True)


def _as_json(told: Told) -> bytes:
    return json.dumps(asdict(told), default=lambda moment: moment.isoformat()).encode()
