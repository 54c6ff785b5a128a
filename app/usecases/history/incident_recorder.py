"""Witness: records what happens to gateways from outside, as long as the server runs.

Of all servers on one deployments folder one witnesses; another takes over when it ends.
Nothing that goes wrong here may harm the server.
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
from app.core.history.container_events import ContainerEvent
from app.store import history
from app.usecases.context import AppContext
from app.usecases.history.incident_records import Records
from app.usecases.settings.manual_edits import Edits
from app.usecases.webhook.collector import Notices
from app.usecases.webhook.sender import Telling

_log = logging.getLogger("deploy_agent")
_TRY_SECONDS = 2.0
# Looking at ten thousand folders takes a while: pages come first.
_REST = 20
_LOOK_AGAIN = "look again"


class Witness:
    """One thread that hears the engine's events; started once per server."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._heard: queue.SimpleQueue[ContainerEvent | str] = queue.SimpleQueue()
        self._ending = threading.Event()
        # What it does: nothing yet, waiting for another to end, or recording, after a first look.
        self.waiting = self.watching = self.looked = False
        self._records = Records(context)
        self._edits = Edits(context)
        self._telling = Telling(context)
        self._notices = Notices(context, self._telling.came)
        context.events.listen(self._hear, self._connected)
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write down what was not yet, and let another server witness."""
        self._ending.set()
        self._heard.put(_LOOK_AGAIN)
        self._thread.join(2)

    def _hear(self, event: ContainerEvent) -> None:
        if self.watching:
            self._heard.put(event)

    def _connected(self) -> None:
        if self.watching:
            self._heard.put(_LOOK_AGAIN)

    def _run(self) -> None:
        path = self._context.settings.deployments_dir / history.OURS / "witness"
        while not self._ending.is_set():
            try:
                lock = _taken(path)
            except OSError:
                lock = None
            self.waiting = lock is None
            if lock is None:
                self._ending.wait(_TRY_SECONDS)
                continue
            try:
                self.watching = True
                self._telling.start()
                self._watch(path, lock)
            finally:
                self.watching = False
                self._telling.stop()
                os.close(lock)

    def _watch(self, path: Path, lock: int) -> None:
        """Witness until the server ends or the lock is no longer what it was."""
        _harmless(self._records.look)
        _harmless(self._notices.begin)
        self.looked = True
        due = 0.0
        while _is_held(path, lock):
            if (begun := time.monotonic()) >= due:
                _harmless(self._records.write_due)
                _harmless(self._edits.look)
                _harmless(self._notices.look)
                took = time.monotonic() - begun
                due = begun + max(_TRY_SECONDS, _REST * took)
            try:
                heard = self._heard.get(timeout=_TRY_SECONDS)
            except queue.Empty:
                continue
            if self._ending.is_set():
                _harmless(self._records.write_all)
                return
            if isinstance(heard, ContainerEvent):
                _harmless(partial(self._records.take, heard))
            else:
                _harmless(self._records.look)


def _harmless(deed: Callable[[], None]) -> None:
    try:
        deed()
    except (OSError, EngineError, NotFound) as error:
        _log.warning("what happened to a gateway could not be recorded: %s", error)
    except Exception:  # noqa: BLE001 - the thread must go on
        _log.exception("what happened to a gateway could not be recorded")


def _taken(path: Path) -> int | None:
    """Lock the file of the one who witnesses; None where somebody else has it."""
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
