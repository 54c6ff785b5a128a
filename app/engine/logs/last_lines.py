"""The last lines of running containers, kept in memory as they are written.

Docker gives no log of a container that is being removed, even while it is still being killed
(0 of 20 tries). A follower that connected before the removal has every line (20 of 20).
"""

import logging
import threading
from collections import deque
from collections.abc import Collection

from docker.errors import NotFound

from app.core.errors import EngineError
from app.engine.client import EngineClient

_log = logging.getLogger("deploy_agent")
_MOST_LINES = 2000
_MOST_BYTES = 256 * 1024
# The most containers followed: each takes a thread and an engine connection.
_MOST_FOLLOWED = 200
_END_SECONDS = 2.0


class LastLines:
    """Follows the given containers, each until it ends."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._followed: dict[str, _Followed] = {}

    def follow(self, container_id: str) -> None:
        """Start following a running container, unless it is already followed."""
        followed = self._followed.get(container_id)
        if followed and not followed.ended.is_set():
            return
        self._followed.pop(container_id, None)
        if len(self._followed) >= _MOST_FOLLOWED:
            self._drop_ended()
        if len(self._followed) < _MOST_FOLLOWED:
            self._followed[container_id] = _Followed(self._client, container_id)

    def of(self, container_id: str) -> bytes:
        """Return the last lines of a container that has just ended, with their times."""
        followed = self._followed.get(container_id)
        if followed is None:
            return b""
        followed.ended.wait(_END_SECONDS)
        return followed.lines()

    def forget(self, container_id: str) -> None:
        """Drop a removed container."""
        self._followed.pop(container_id, None)

    def keep_only(self, container_ids: Collection[str]) -> None:
        """Drop all other containers: they were removed, perhaps without an event."""
        for container_id in self._followed.keys() - set(container_ids):
            self.forget(container_id)

    def _drop_ended(self) -> None:
        """Drop the container that ended first: its last words are already saved."""
        ended = (key for key, each in self._followed.items() if each.ended.is_set())
        if (first := next(ended, None)) is not None:
            self.forget(first)


class _Followed:
    """One container's last lines."""

    def __init__(self, client: EngineClient, container_id: str) -> None:
        self.ended = threading.Event()
        self._client = client
        self._id = container_id
        self._lines: deque[bytes] = deque(maxlen=_MOST_LINES)
        self._bytes = 0
        name = f"last-lines-{container_id[:12]}"
        threading.Thread(target=self._follow, name=name, daemon=True).start()

    def lines(self) -> bytes:
        return b"".join(self._lines)

    def _follow(self) -> None:
        try:
            with self._client.calls() as client:
                for line in client.logs(
                    self._id, stream=True, follow=True, timestamps=True, tail=_MOST_LINES
                ):
                    self._add(line)
        except (EngineError, NotFound):
            pass  # The container or the engine is gone: keep the lines read so far.
        except Exception:  # noqa: BLE001 - an unreadable log must not stop the program
            _log.warning("the log of %s could not be followed", self._id[:12], exc_info=True)
        finally:
            self.ended.set()

    def _add(self, line: bytes) -> None:
        if len(self._lines) == _MOST_LINES:
            self._bytes -= len(self._lines.popleft())
        self._lines.append(line)
        self._bytes += len(line)
        while self._bytes > _MOST_BYTES and len(self._lines) > 1:
            self._bytes -= len(self._lines.popleft())
