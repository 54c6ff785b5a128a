"""Live updates: publish/subscribe between whatever learns of a change and the open pages.

Each open page has a `Subscriber`. Whatever learns of a change (the engine's events, a readiness
check that ends, a gateway's devices) publishes, and each page renders again. Sources that
announce nothing are polled by one thread, for as long as there are subscribers.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.core.errors import TooManyStreams

_log = logging.getLogger("deploy_agent")

MOST_SUBSCRIBERS = 200
_POLL_SECONDS = 0.4
_POLL_FAILED = "poll failed"


class Subscriber:
    """One open page: woken when something may have changed, or when new lines arrived."""

    def __init__(self) -> None:
        self._changed = False
        self._woken = threading.Event()

    def notify(self) -> None:
        self._changed = True
        self._woken.set()

    def wake(self) -> None:
        """Let the page fetch new lines; nothing else on it has changed."""
        self._woken.set()

    def wait(self, seconds: float) -> bool:
        """Return whether the subscriber was woken before the time was up."""
        woken = self._woken.wait(seconds)
        self._woken.clear()
        return woken

    def take_changed(self) -> bool:
        """Return whether something may have changed since the last call."""
        changed, self._changed = self._changed, False
        return changed


class LiveUpdates:
    """The subscribers of one server. `poll` returns a value that differs after each change."""

    def __init__(self, poll: Callable[[], object]) -> None:
        self._poll = poll
        self._subscribers: set[Subscriber] = set()
        # Reentrant: a signal that ends the server may arrive while another one is handled.
        self._lock = threading.RLock()
        self._poller: threading.Thread | None = None
        self._closing = threading.Event()
        # Of `time.monotonic()`: what was rendered since then is the same for all.
        self.changed_at = time.monotonic()

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    @property
    def subscriber_count(self) -> int:
        return len(self._subscribers)

    def publish(self) -> None:
        """Tell all subscribers that something may have changed."""
        with self._lock:
            self.changed_at = time.monotonic()
            subscribers = list(self._subscribers)
        for subscriber in subscribers:
            subscriber.notify()

    def close(self) -> None:
        """End all streams: the server is about to stop."""
        self._closing.set()
        self.publish()

    @contextmanager
    def subscription(self) -> Iterator[Subscriber]:
        """Subscribe for as long as the block runs. Raises TooManyStreams."""
        subscriber = Subscriber()
        with self._lock:
            if len(self._subscribers) >= MOST_SUBSCRIBERS:
                raise TooManyStreams(
                    f"{MOST_SUBSCRIBERS} pages already receive live updates."
                    " This page reloads every few seconds instead."
                )
            if self._poller is None:
                poller = threading.Thread(target=self._run_poller, name="poller", daemon=True)
                poller.start()
                self._poller = poller
            self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            with self._lock:
                self._subscribers.discard(subscriber)

    def _run_poller(self) -> None:
        before: object = None
        while not self._closing.wait(_POLL_SECONDS):
            with self._lock:
                if not self._subscribers:
                    self._poller = None
                    return
            try:
                now = self._poll()
            except Exception:  # noqa: BLE001 - the thread must go on
                # The deployments folder can't be read just now: each page shows why.
                now = _POLL_FAILED
                if before is not _POLL_FAILED:
                    _log.warning("the deployments folder could not be read", exc_info=True)
            if now != before:
                self.publish()
            before = now
