"""Live updates: publish/subscribe between the sources of changes and the open pages.

Each open page has a `Subscriber`. Each source of changes (the engine's events, the end of a
readiness check, a gateway's devices) publishes, and each page renders again. One thread polls the
sources that don't publish, for as long as there are subscribers.
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
    """An open page. It is woken by a possible change or by new log lines."""

    def __init__(self) -> None:
        self._changed = False
        self._woken = threading.Event()

    def notify(self) -> None:
        self._changed = True
        self._woken.set()

    def wake(self) -> None:
        """Make the page fetch new lines; the rest of the page has not changed."""
        self._woken.set()

    def wait(self, seconds: float) -> bool:
        """Return whether the subscriber was woken within `seconds`."""
        woken = self._woken.wait(seconds)
        self._woken.clear()
        return woken

    def take_changed(self) -> bool:
        """Return whether something may have changed since the previous call."""
        changed, self._changed = self._changed, False
        return changed


class LiveUpdates:
    """The subscribers of one server. `poll` returns a value that differs after each change."""

    def __init__(self, poll: Callable[[], object]) -> None:
        self._poll = poll
        self._subscribers: set[Subscriber] = set()
        # Reentrant: the signal that ends the server may interrupt the handler of another signal.
        self._lock = threading.RLock()
        self._poller: threading.Thread | None = None
        self._closing = threading.Event()
        # The `time.monotonic()` of the last change: pages rendered after it can share their
        # content.
        self.changed_at = time.monotonic()

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    @property
    def subscriber_count(self) -> int:
        return len(self._subscribers)

    def publish(self) -> None:
        """Notify all subscribers that something may have changed."""
        with self._lock:
            self.changed_at = time.monotonic()
            subscribers = list(self._subscribers)
        for subscriber in subscribers:
            subscriber.notify()

    def close(self) -> None:
        """End all streams, as the server is about to stop."""
        self._closing.set()
        self.publish()

    @contextmanager
    def subscription(self) -> Iterator[Subscriber]:
        """Subscribe until the `with` block ends. Raises TooManyStreams."""
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
                # The deployments folder can't be read at the moment. Each page shows why.
                now = _POLL_FAILED
                if before is not _POLL_FAILED:
                    _log.warning("the deployments folder could not be read", exc_info=True)
            if now != before:
                self.publish()
            before = now
