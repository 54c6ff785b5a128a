"""Shared by all watches: one event loop, this server's own key, and threads for blocking calls."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TypeVar

from docker.errors import NotFound

from app.core.access.device import DeviceIdentity
from app.core.access.pairing_parser import PairingRefusal, pairing_refusals
from app.core.errors import EngineError
from app.core.snapshot import Run
from app.core.text import plain
from app.engine.client import EngineClient
from app.engine.containers import Containers
from app.engine.pairing.connection import Endpoint

_CONNECTING_AT_ONCE = 8
_LOG_LINES = 300

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PairingTarget:
    """The gateway that a watch connects to. A new container or token makes a new target."""

    deployment_id: str
    container_id: str
    endpoint: Endpoint


class PairingBackend:
    """`changed` is called when the devices of a gateway differ."""

    def __init__(
        self,
        identity: Callable[[], DeviceIdentity],
        containers: Containers,
        client: EngineClient,
        changed: Callable[[], None],
    ) -> None:
        self.changed = changed
        self._load_identity = identity
        self._containers = containers
        self._client = client
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="pairing")
        self._loading = threading.Lock()
        self._identity: DeviceIdentity | None = None
        self.connecting = asyncio.Semaphore(_CONNECTING_AT_ONCE)

    @property
    def identity(self) -> DeviceIdentity:
        """Raises StorageFailed."""
        with self._loading:
            self._identity = self._identity or self._load_identity()
            return self._identity

    async def in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def run_of(self, target: PairingTarget) -> Run | None:
        """Return the current run of a gateway's container; None if the engine has none."""
        try:
            containers = self._containers.of(target.deployment_id)
        except (EngineError, NotFound):
            return None
        return next((each.run for each in containers if each.id == target.container_id), None)

    def refusals(self, target: PairingTarget, since: datetime) -> list[PairingRefusal]:
        try:
            log = self._containers.logs(target.container_id, _LOG_LINES, int(since.timestamp()))
        except (EngineError, NotFound):
            return []
        return pairing_refusals(plain(log.decode(errors="replace")))

    def approve_in_container(self, target: PairingTarget, request_id: str) -> None:
        """Start OpenClaw's own command that approves a request.

        The command takes two seconds of a core, so it runs once, for Deploy Agent's device only.
        """
        command = ["node", "openclaw.mjs", "devices", "approve", request_id, "--json"]
        with suppress(EngineError, NotFound), self._client.calls() as engine:
            created = engine.exec_create(target.container_id, command, stdout=False, stderr=False)
            engine.exec_start(created["Id"], detach=True)


@cache
def _started_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="pairings", daemon=True).start()
    return loop


_starting = threading.Lock()


def pairing_loop() -> asyncio.AbstractEventLoop:
    """Return this process's loop. It starts at the first call, so never before a fork."""
    with _starting:
        return _started_loop()
