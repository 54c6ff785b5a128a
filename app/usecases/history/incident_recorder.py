"""Incident recorder: records crashes, restarts and manual changes of gateways.

Of all servers that share a deployments folder, only one records; when that server ends, another
takes over. A failure of the recorder must not harm the server.
"""

import fcntl
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.core.errors import EngineError, NotFound
from app.core.history.incidents import ContainerEvent
from app.store.files import AGENT_DIR
from app.usecases.context import AppContext
from app.usecases.history.incident_records import IncidentRecords
from app.usecases.settings.manual_edits import ManualEdits
from app.usecases.webhook.collector import WebhookCollector
from app.usecases.webhook.sender import WebhookSender

_log = logging.getLogger("deploy_agent")
_POLL_SECONDS = 2.0
# A poll of ten thousand folders is slow. Pause 20 times as long, as pages have priority.
_PAUSE_FACTOR = 20
# A queue item: compare everything with the engine, since events may have been missed.
_CATCH_UP = "catch up"


class IncidentRecorder:
    """One thread that handles the engine's events; started once per server."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._queue: queue.SimpleQueue[ContainerEvent | str] = queue.SimpleQueue()
        self._ending = threading.Event()
        # The recorder's states, for tests and shutdown: another server records; this server
        # records; this server has compared everything with the engine once.
        self.waiting = self.recording = self.caught_up = False
        self._records = IncidentRecords(context)
        self._manual_edits = ManualEdits(context)
        self._sender = WebhookSender(context)
        self._collector = WebhookCollector(context, self._sender.wake)
        context.events.listen(self._enqueue, self._on_connected)
        self._thread = threading.Thread(target=self._run, name="incident-recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Record everything not yet written, and let another server take over."""
        self._ending.set()
        self._queue.put(_CATCH_UP)
        self._thread.join(2)

    def _enqueue(self, event: ContainerEvent) -> None:
        if self.recording:
            self._queue.put(event)

    def _on_connected(self) -> None:
        if self.recording:
            self._queue.put(_CATCH_UP)

    def _run(self) -> None:
        path = self._context.settings.deployments_dir / AGENT_DIR / "witness"
        while not self._ending.is_set():
            try:
                lock = _try_lock(path)
            except OSError:
                lock = None
            self.waiting = lock is None
            if lock is None:
                self._ending.wait(_POLL_SECONDS)
                continue
            try:
                self.recording = True
                self._sender.start()
                self._record(path, lock)
            finally:
                self.recording = False
                self._sender.stop()
                os.close(lock)

    def _record(self, path: Path, lock: int) -> None:
        """Record until the server ends or the lock file is replaced by another file."""
        _guarded(self._records.catch_up)
        _guarded(self._collector.start)
        self.caught_up = True
        due = 0.0
        while _is_held(path, lock):
            if (started := time.monotonic()) >= due:
                _guarded(self._records.write_due)
                _guarded(self._manual_edits.poll)
                _guarded(self._collector.collect)
                took = time.monotonic() - started
                due = started + max(_POLL_SECONDS, _PAUSE_FACTOR * took)
            try:
                item = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if self._ending.is_set():
                _guarded(self._records.write_all)
                return
            if isinstance(item, ContainerEvent):
                _guarded(partial(self._records.handle, item))
            else:
                _guarded(self._records.catch_up)


def _guarded(action: Callable[[], None]) -> None:
    """Run an action and log its failure."""
    try:
        action()
    except (OSError, EngineError, NotFound) as error:
        _log.warning("what happened to a gateway could not be recorded: %s", error)
    except Exception:  # noqa: BLE001 - the thread must go on
        _log.exception("what happened to a gateway could not be recorded")


def _try_lock(path: Path) -> int | None:
    """Return a descriptor that holds the recorder's lock, or None if another server holds it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _is_held(path: Path, lock: int) -> bool:
    try:
        return os.lstat(path).st_ino == os.fstat(lock).st_ino
    except OSError:
        return False
