"""The watch of one gateway's devices, and the loop in which all watches live.

A watch holds at most one connection, for as long as somebody looks, with the one
scope that listing takes; a deed that takes more has its own, for that moment.
"""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TypeVar

from docker.errors import NotFound

from app.core.access.device import DeviceIdentity
from app.core.access.pairing import (
    PAIRING,
    DeviceUnknown,
    GatewayRefused,
    GatewaySilent,
    PairingState,
    PairingStatus,
    PendingRequest,
    RequestUnknown,
)
from app.core.access.pairing_parser import (
    PairingRefusal,
    paired_devices,
    pairing_refusals,
    pending_requests,
)
from app.core.errors import EngineError, UserError
from app.core.snapshot import Run
from app.core.text import plain
from app.engine.client import EngineClient
from app.engine.containers import Containers
from app.engine.gateway.connection import Endpoint, GatewayGone, Operator, Refused, connected

_log = logging.getLogger("deploy_agent")

_CONNECTING_AT_ONCE = 8
_IDLE_SECONDS = 60.0
# Events tell what changes; this is for what they don't: a device that connects or goes.
_TICK_SECONDS = 5.0
_LEAST_PAUSE_SECONDS = 0.25
# Short: a gateway that is coming up must be seen within seconds of its first word.
_PAUSES = (1.0, 2.0)
_LOCKED_OUT_SECONDS = 300.0
_DEED_SECONDS = 25.0
_LETTING_IN_SECONDS = 12.0
_LOG_LINES = 300
_LOG_PAUSES = (0.3, 0.7, 1.5, 3.0)
# The token was right, or the gateway is not ready to say: asking again does no harm.
_ASKED_AGAIN = ("UNAVAILABLE", "PAIRING_REQUIRED", "CONTROL_UI_ORIGIN_NOT_ALLOWED")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a watch looks at. With another container or another token it is another one."""

    deployment_id: str
    container_id: str
    endpoint: Endpoint


class Host:
    """What watches need of this machine: our key, and blocking calls beside the loop."""

    def __init__(
        self,
        identity: Callable[[], DeviceIdentity],
        containers: Containers,
        client: EngineClient,
        changed: Callable[[], None],
    ) -> None:
        self.changed = changed
        self._make_identity = identity
        self._containers = containers
        self._client = client
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="pairing")
        self._making = threading.Lock()
        self._identity: DeviceIdentity | None = None
        self.connecting = asyncio.Semaphore(_CONNECTING_AT_ONCE)

    @property
    def identity(self) -> DeviceIdentity:
        """Raises StorageFailed."""
        with self._making:
            self._identity = self._identity or self._make_identity()
            return self._identity

    async def beside(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def run_of(self, subject: Subject) -> Run | None:
        """Return which run of its container this is; None where the engine can't say."""
        try:
            containers = self._containers.of(subject.deployment_id)
        except (EngineError, NotFound):
            return None
        return next((each.run for each in containers if each.id == subject.container_id), None)

    def refusals(self, subject: Subject, since: datetime) -> list[PairingRefusal]:
        try:
            log = self._containers.logs(subject.container_id, _LOG_LINES, int(since.timestamp()))
        except (EngineError, NotFound):
            return []
        return pairing_refusals(plain(log.decode(errors="replace")))

    def approve_inside(self, subject: Subject, request_id: str) -> None:
        """Let OpenClaw's own command approve a request, without waiting for its end.

        It takes two seconds of a core, so it is for our own device alone, once.
        """
        command = ["node", "openclaw.mjs", "devices", "approve", request_id, "--json"]
        with suppress(EngineError, NotFound), self._client.calls() as engine:
            made = engine.exec_create(subject.container_id, command, stdout=False, stderr=False)
            engine.exec_start(made["Id"], detach=True)


class Watch:
    """One gateway, looked at in the loop until nobody asks any more."""

    def __init__(self, subject: Subject, host: Host) -> None:
        self.subject = subject
        self._seen = PairingStatus(PairingState.ASKING)
        self._host = host
        self._looked_at = time.monotonic()
        self._op: Future[None] | None = None
        self._operator: Operator | None = None
        self._using = asyncio.Lock()
        self._changed = asyncio.Event()
        self._as_page = True
        self._locked_by: Refused | None = None
        self._locked_until = 0.0
        self._refused: Refused | None = None
        self._refused_run: Run | None = None
        self._refusals: dict[str, PairingRefusal] = {}
        self._nameless: set[str] = set()
        self._naming: asyncio.Task[None] | None = None

    @property
    def is_alive(self) -> bool:
        return self._op is not None and not self._op.done()

    @property
    def seen(self) -> PairingStatus:
        return self._seen

    @seen.setter
    def seen(self, seen: PairingStatus) -> None:
        before, self._seen = self._seen, seen
        if replace(before, as_of=None) != replace(seen, as_of=None):
            self._host.changed()

    def look(self) -> None:
        """Keep it up to date for another minute."""
        self._looked_at = time.monotonic()
        if self.is_alive:
            return
        if self._op and not self._op.cancelled() and (error := self._op.exception()):
            _log.error("the watch of %s ended", self.subject.deployment_id, exc_info=error)
        self._op = asyncio.run_coroutine_threadsafe(self._run(), loop_of_watches())

    def end(self) -> None:
        self._looked_at = -_IDLE_SECONDS
        loop_of_watches().call_soon_threadsafe(self._changed.set)

    async def look_again(self) -> PairingStatus:
        """Return what the gateway says now. Raises GatewayRefused, GatewaySilent."""
        await self._deed(self._list)
        return self.seen

    async def do(self, method: str, parameters: object, scopes: Sequence[str]) -> None:
        """Call a method with the scopes it takes. Raises UserError, as its kind of failure."""

        async def call() -> None:
            operator = await self._open(scopes)
            await operator.call(method, parameters)
            await self._list()

        await self._deed(call)

    async def _deed(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(_DEED_SECONDS), self._using:
                if self._refused:
                    raise self._refused
                self._check_lock()
                try:
                    await work()
                finally:
                    if self._operator and self._operator.scopes != {PAIRING}:
                        await self._drop()
        except Refused as refused:
            raise _in_words(refused) from None
        except (GatewayGone, TimeoutError) as gone:
            reason = str(gone) or f"it did not answer within {_DEED_SECONDS:g} s"
            raise GatewaySilent(
                f"The gateway can't be asked: {reason}. The list shows what holds when it answers."
            ) from None
        finally:
            self._changed.set()

    async def _run(self) -> None:
        tries = 0
        try:
            while time.monotonic() < self._looked_at + _IDLE_SECONDS:
                # However often a gateway says that something changed.
                await asyncio.sleep(_LEAST_PAUSE_SECONDS)
                self._changed.clear()
                pause = _TICK_SECONDS
                try:
                    await self._look()
                    tries = 0
                except (Refused, GatewayGone, UserError) as trouble:
                    pause = await self._troubled(trouble, tries)
                    tries += 1
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._changed.wait()
        finally:
            async with self._using:
                await self._drop()

    async def _look(self) -> None:
        self._check_lock()
        if self._refused:
            run = await self._host.beside(partial(self._host.run_of, self.subject))
            if run is None or run == self._refused_run:
                return
            self._refused = None
        async with self._using:
            await self._list()

    def _check_lock(self) -> None:
        """Raise what locked us out for as long as that lasts: each try makes it longer."""
        if self._locked_by and time.monotonic() < self._locked_until:
            raise self._locked_by

    async def _troubled(self, trouble: Exception, tries: int) -> float:
        """Drop the connection, say why, and return how long to wait."""
        async with self._using:
            await self._drop()
        self._changed.clear()
        self.seen = replace(self.seen, state=PairingState.UNAVAILABLE, reason=_reason(trouble))
        if isinstance(trouble, Refused):
            if trouble.code == "AUTH_RATE_LIMITED":
                self._locked_until = time.monotonic() + _LOCKED_OUT_SECONDS
                self._locked_by = trouble
                return _LOCKED_OUT_SECONDS
            if trouble.code not in _ASKED_AGAIN:
                # Ten wrong tokens within a minute lock this host out: one is enough.
                self._refused_run = await self._host.beside(
                    partial(self._host.run_of, self.subject)
                )
                self._refused = trouble
        return _PAUSES[min(tries, len(_PAUSES) - 1)]

    async def _list(self) -> None:
        operator = await self._open((PAIRING,))
        payload = await operator.call("device.pair.list", {})
        payload = payload if isinstance(payload, dict) else {}
        own = self._host.identity.id
        pending = tuple(each for each in pending_requests(payload) if each.device_id != own)
        self._forget_all_but(pending)
        now = datetime.now(UTC)
        self.seen = PairingStatus(
            PairingState.KNOWN, "", now, self._named(pending), paired_devices(payload)
        )
        if self._unnamed() and (self._naming is None or self._naming.done()):
            self._naming = asyncio.create_task(self._name())

    async def _open(self, scopes: Sequence[str]) -> Operator:
        """Return the connection, made anew where it has ended or allows too little."""
        current = self._operator
        if current and current.is_open and current.scopes >= set(scopes):
            return current
        await self._drop()
        self._operator = await self._let_in(scopes)
        return self._operator

    async def _let_in(self, scopes: Sequence[str]) -> Operator:
        """Connect; where the gateway wants somebody to approve us, its own command does."""
        approved = False
        deadline = time.monotonic() + _LETTING_IN_SECONDS
        while True:
            try:
                return await self._connect(scopes)
            except Refused as refused:
                if refused.code == "CONTROL_UI_ORIGIN_NOT_ALLOWED" and self._as_page:
                    self._as_page = False
                    continue
                request_id = refused.request_id or ""
                if refused.code != "PAIRING_REQUIRED" or time.monotonic() > deadline:
                    raise
                if not approved and _UUID.fullmatch(request_id):
                    approve = partial(self._host.approve_inside, self.subject, request_id)
                    await self._host.beside(approve)
                    approved = True
            await asyncio.sleep(1)

    async def _connect(self, scopes: Sequence[str]) -> Operator:
        if not self.subject.endpoint.token:
            raise GatewayGone("there is no token in .env")
        identity = await self._host.beside(lambda: self._host.identity)
        async with self._host.connecting:
            return await connected(
                self.subject.endpoint, identity, scopes, self._heard, as_page=self._as_page
            )

    def _heard(self, event: str) -> None:
        if event == "closed" or event.startswith("device.pair."):
            self._changed.set()

    async def _drop(self) -> None:
        operator, self._operator = self._operator, None
        if operator:
            await operator.close()

    def _named(self, pending: Sequence[PendingRequest]) -> tuple[PendingRequest, ...]:
        return tuple(
            replace(each, browser=known.browser, origin=known.origin)
            if (known := self._refusals.get(each.request_id))
            else each
            for each in pending
        )

    def _forget_all_but(self, pending: Sequence[PendingRequest]) -> None:
        ids = {each.request_id for each in pending}
        self._refusals = {key: value for key, value in self._refusals.items() if key in ids}
        self._nameless &= ids

    def _unnamed(self) -> list[PendingRequest]:
        named = self._refusals.keys() | self._nameless
        return [each for each in self.seen.pending if each.request_id not in named]

    async def _name(self) -> None:
        """Add what only the gateway's log says of a request: browser and opened address.

        The line is written when the connection has ended, a while after the request.
        """
        for pause in _LOG_PAUSES:
            await asyncio.sleep(pause)
            unnamed = self._unnamed()
            if not unnamed:
                return
            since = min(each.asked_at for each in unnamed) - timedelta(seconds=2)
            found = await self._host.beside(partial(self._host.refusals, self.subject, since))
            for refusal in found:
                self._refusals.setdefault(refusal.request_id, refusal)
            self.seen = replace(self.seen, pending=self._named(self.seen.pending))
        # Not every gateway logs it; a request is whole without.
        self._nameless = {each.request_id for each in self._unnamed()}


@cache
def _started_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="pairings", daemon=True).start()
    return loop


_starting = threading.Lock()


def loop_of_watches() -> asyncio.AbstractEventLoop:
    """Return the loop of this process, started at first use: never before a fork."""
    with _starting:
        return _started_loop()


def _reason(trouble: Exception) -> str:
    if isinstance(trouble, UserError):
        return trouble.detail
    if isinstance(trouble, GatewayGone):
        return f"The gateway can't be asked: {trouble}."
    assert isinstance(trouble, Refused)
    return _REASONS.get(
        trouble.code, f"The gateway refuses to say which devices there are ({trouble.code})."
    )


_REASONS = {
    "AUTH_TOKEN_MISMATCH": "The gateway refuses the token of .env, so it can't be asked.",
    "AUTH_RATE_LIMITED": "The gateway has locked this host out after wrong tokens; it is asked"
    " again in five minutes.",
    "UNAVAILABLE": "The gateway is still starting.",
    "PAIRING_REQUIRED": "The gateway wants Deploy Agent's own device approved first, and its own"
    " command did not do that: `openclaw devices list` and `approve` in its container do.",
}


def _in_words(refused: Refused) -> UserError:
    if refused.words in ("unknown requestId", "device pairing approval denied"):
        return unknown_request()
    if refused.words == "unknown deviceId":
        return unknown_device()
    if refused.code in _REASONS:
        return GatewayRefused(_REASONS[refused.code])
    return GatewayRefused(f"The gateway said: {plain(refused.words) or refused.code}.")


def unknown_request() -> RequestUnknown:
    return RequestUnknown(
        "It was answered already, replaced by a newer one, or it ended: a request waits five"
        " minutes after its device was last heard. The deployment's page shows those that wait."
    )


def unknown_device() -> DeviceUnknown:
    return DeviceUnknown(
        "The gateway has no such device: it may have been removed already."
        " The deployment's page shows those that are paired."
    )
