"""Changes: telling those who look at a page that something of it may have changed.

Who looks has a `Viewer`. Whatever learns of a change (the engine's events, a probe that
comes back, a gateway's devices) beats, and each viewer looks again. What tells nothing
by itself is asked by one ticker, for as long as somebody looks.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.core.errors import TooManyStreams

_log = logging.getLogger("deploy_agent")

MOST_VIEWERS = 200
_TICK_SECONDS = 0.4
_NOT_SEEN = "not seen"


class Viewer:
    """One open page: woken where something may have changed, or where lines have come."""

    def __init__(self) -> None:
        self._changed = False
        self._woken = threading.Event()

    def changed(self) -> None:
        self._changed = True
        self._woken.set()

    def wake(self) -> None:
        """Let it look for more lines; what else the page shows is as it was."""
        self._woken.set()

    def wait(self, seconds: float) -> bool:
        """Say whether it was woken before the time was up."""
        woken = self._woken.wait(seconds)
        self._woken.clear()
        return woken

    def take_changed(self) -> bool:
        """Say whether something may have changed since this was asked last."""
        changed, self._changed = self._changed, False
        return changed


class Changes:
    """`look` is asked at each tick for a value that differs where something changed."""

    def __init__(self, look: Callable[[], object]) -> None:
        self._look = look
        self._viewers: set[Viewer] = set()
        # A signal that ends the server may come while another one is being dealt with.
        self._lock = threading.RLock()
        self._ticker: threading.Thread | None = None
        self._closing = threading.Event()
        self.number = 0

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    @property
    def viewers(self) -> int:
        """How many look now."""
        return len(self._viewers)

    def beat(self) -> None:
        """Let all who look, look again. What was seen at one `number` is the same for all."""
        with self._lock:
            self.number += 1
            viewers = list(self._viewers)
        for viewer in viewers:
            viewer.changed()

    def close(self) -> None:
        """End all viewing: the server is about to stop."""
        self._closing.set()
        self.beat()

    @contextmanager
    def viewing(self) -> Iterator[Viewer]:
        """Be told of changes. Raises TooManyStreams."""
        viewer = Viewer()
        with self._lock:
            if len(self._viewers) >= MOST_VIEWERS:
                raise TooManyStreams(
                    f"{MOST_VIEWERS} pages already follow along. This one asks every few"
                    " seconds instead."
                )
            if self._ticker is None:
                ticker = threading.Thread(target=self._tick, name="ticker", daemon=True)
                ticker.start()
                self._ticker = ticker
            self._viewers.add(viewer)
        try:
            yield viewer
        finally:
            with self._lock:
                self._viewers.discard(viewer)

    def _tick(self) -> None:
        before: object = None
        while not self._closing.wait(_TICK_SECONDS):
            with self._lock:
                if not self._viewers:
                    self._ticker = None
                    return
            try:
                now = self._look()
            except Exception:  # noqa: BLE001 - the thread must go on
                # The folder itself can't be read for once: whoever looks is told why.
                now = _NOT_SEEN
                if before is not _NOT_SEEN:
                    _log.warning("the deployments folder could not be read", exc_info=True)
            if now != before:
                self.beat()
            before = now
