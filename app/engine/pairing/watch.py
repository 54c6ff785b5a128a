"""The watch of one gateway's devices.

While somebody looks at the page, a watch holds at most one connection, with only the scope that
listing needs. An action that needs more scopes opens a connection of its own.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from app.core.access.pairing import PAIRING, GatewaySilent, PairingState, PairingStatus
from app.core.access.pairing_parser import paired_devices, pending_requests
from app.core.errors import UserError
from app.core.snapshot import Run
from app.core.status.readiness import LOCKED_OUT
from app.engine.pairing.backend import PairingBackend, PairingTarget, pairing_loop
from app.engine.pairing.connection import GatewayGone, Refused
from app.engine.pairing.errors import as_user_error, reason_of
from app.engine.pairing.request_log import RequestLog
from app.engine.pairing.session import OperatorSession

_log = logging.getLogger("deploy_agent")

_IDLE_SECONDS = 60.0
# Most changes cause events. Polling finds the other changes: devices that connect or disconnect.
_POLL_SECONDS = 5.0
# The shortest pause between two list requests, however many events a gateway sends.
_LEAST_PAUSE_SECONDS = 0.25
# Short, so that the page shows within seconds that a gateway has started.
_RETRY_SECONDS = (1.0, 2.0)
_LOCKED_OUT_SECONDS = 300.0
_ACTION_SECONDS = 25.0
# Refusals after which a retry does no harm: the token was right, or the gateway is not ready yet.
_HARMLESS_REFUSALS = ("UNAVAILABLE", "PAIRING_REQUIRED", "CONTROL_UI_ORIGIN_NOT_ALLOWED")


class PairingWatch:
    """Keeps one gateway's devices up to date in the loop, while somebody looks at them."""

    def __init__(self, target: PairingTarget, backend: PairingBackend) -> None:
        self.target = target
        self._status = PairingStatus(PairingState.ASKING)
        self._backend = backend
        self._looked_at = time.monotonic()
        self._watching: Future[None] | None = None
        self._session = OperatorSession(target, backend, self._on_event)
        self._request_log = RequestLog(target, backend)
        self._using = asyncio.Lock()
        self._changed = asyncio.Event()
        self._locked_out: Refused | None = None
        self._locked_until = 0.0
        self._refused: Refused | None = None
        self._refused_run: Run | None = None

    @property
    def is_alive(self) -> bool:
        return self._watching is not None and not self._watching.done()

    @property
    def status(self) -> PairingStatus:
        return self._status

    @status.setter
    def status(self, status: PairingStatus) -> None:
        before, self._status = self._status, status
        if replace(before, as_of=None) != replace(status, as_of=None):
            self._backend.changed()

    def look(self) -> None:
        """Keep the devices up to date for another minute."""
        self._looked_at = time.monotonic()
        if self.is_alive:
            return
        ended = self._watching
        if ended and not ended.cancelled() and (error := ended.exception()):
            _log.error("the watch of %s ended", self.target.deployment_id, exc_info=error)
        self._watching = asyncio.run_coroutine_threadsafe(self._run(), pairing_loop())

    def end(self) -> None:
        self._looked_at = -_IDLE_SECONDS
        pairing_loop().call_soon_threadsafe(self._changed.set)

    async def refresh(self) -> PairingStatus:
        """Request the gateway's devices and return them. Raises GatewayRefused, GatewaySilent."""
        await self._act(self._list)
        return self.status

    async def call(self, method: str, parameters: object, scopes: Sequence[str]) -> None:
        """Call a method with these scopes. Raises UserError for every failure."""

        async def call() -> None:
            operator = await self._session.open(scopes)
            await operator.call(method, parameters)
            await self._list()

        await self._act(call)

    async def _act(self, action: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(_ACTION_SECONDS), self._using:
                if self._refused:
                    raise self._refused
                self._check_lockout()
                try:
                    await action()
                finally:
                    if self._session.scopes != {PAIRING}:
                        await self._session.close()
        except Refused as refused:
            raise as_user_error(refused) from None
        except (GatewayGone, TimeoutError) as gone:
            reason = str(gone) or f"it did not answer within {_ACTION_SECONDS:g} s"
            raise GatewaySilent(
                f"The gateway can't be reached: {reason}. The list shows the outcome later."
            ) from None
        finally:
            self._changed.set()

    async def _run(self) -> None:
        failures = 0
        try:
            while time.monotonic() < self._looked_at + _IDLE_SECONDS:
                await asyncio.sleep(_LEAST_PAUSE_SECONDS)
                self._changed.clear()
                pause = _POLL_SECONDS
                try:
                    await self._poll()
                    failures = 0
                except (Refused, GatewayGone, UserError) as error:
                    pause = await self._after(error, failures)
                    failures += 1
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._changed.wait()
        finally:
            async with self._using:
                await self._session.close()

    async def _poll(self) -> None:
        self._check_lockout()
        if self._refused:
            run = await self._run_of_container()
            if run is None or run == self._refused_run:
                return
            self._refused = None
        async with self._using:
            await self._list()

    def _check_lockout(self) -> None:
        """Raise the refusal while this host is locked out: each try makes the lockout longer."""
        if self._locked_out and time.monotonic() < self._locked_until:
            raise self._locked_out

    async def _after(self, error: Exception, failures: int) -> float:
        """Close the connection, show the error, and return the seconds until the next try."""
        async with self._using:
            await self._session.close()
        self._changed.clear()
        self.status = replace(self.status, state=PairingState.UNAVAILABLE, reason=reason_of(error))
        if isinstance(error, Refused):
            if error.code == LOCKED_OUT:
                self._locked_until = time.monotonic() + _LOCKED_OUT_SECONDS
                self._locked_out = error
                return _LOCKED_OUT_SECONDS
            if error.code not in _HARMLESS_REFUSALS:
                # Stop after one wrong token: ten within a minute lock this host out.
                self._refused_run = await self._run_of_container()
                self._refused = error
        return _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)]

    async def _run_of_container(self) -> Run | None:
        return await self._backend.in_thread(partial(self._backend.run_of, self.target))

    async def _list(self) -> None:
        operator = await self._session.open((PAIRING,))
        payload = await operator.call("device.pair.list", {})
        payload = payload if isinstance(payload, dict) else {}
        own = self._backend.identity.id
        pending = [each for each in pending_requests(payload) if each.device_id != own]
        self._request_log.keep_only(pending)
        self.status = PairingStatus(
            PairingState.KNOWN,
            "",
            datetime.now(UTC),
            self._request_log.completed(pending),
            paired_devices(payload),
        )
        self._request_log.read(lambda: self.status.pending, self._complete)

    def _complete(self) -> None:
        self.status = replace(self.status, pending=self._request_log.completed(self.status.pending))

    def _on_event(self, event: str) -> None:
        if event == "closed" or event.startswith("device.pair."):
            self._changed.set()
