"""The browser and the opened address of pending requests, which only a gateway's log has."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from app.core.access.pairing import PendingRequest
from app.core.access.pairing_parser import PairingRefusal
from app.engine.pairing.backend import PairingBackend, PairingTarget

# Pauses before reads: the gateway logs a request only after the connection ended.
_PAUSES = (0.3, 0.7, 1.5, 3.0)


class RequestLog:
    def __init__(self, target: PairingTarget, backend: PairingBackend) -> None:
        self._target = target
        self._backend = backend
        self._found: dict[str, PairingRefusal] = {}
        self._not_logged: set[str] = set()
        self._reading: asyncio.Task[None] | None = None

    def completed(self, pending: Sequence[PendingRequest]) -> tuple[PendingRequest, ...]:
        """Return the requests, completed with the facts read from the log so far."""
        return tuple(
            replace(each, browser=found.browser, origin=found.origin)
            if (found := self._found.get(each.request_id))
            else each
            for each in pending
        )

    def keep_only(self, pending: Sequence[PendingRequest]) -> None:
        ids = {each.request_id for each in pending}
        self._found = {key: value for key, value in self._found.items() if key in ids}
        self._not_logged &= ids

    def read(
        self, pending: Callable[[], Sequence[PendingRequest]], found: Callable[[], None]
    ) -> None:
        """Read the log in the background if a request is missing; call `found` after each read."""
        is_reading = self._reading is not None and not self._reading.done()
        if self._missing(pending()) and not is_reading:
            self._reading = asyncio.create_task(self._read(pending, found))

    async def _read(
        self, pending: Callable[[], Sequence[PendingRequest]], found: Callable[[], None]
    ) -> None:
        for pause in _PAUSES:
            await asyncio.sleep(pause)
            missing = self._missing(pending())
            if not missing:
                return
            since = min(each.asked_at for each in missing) - timedelta(seconds=2)
            read = partial(self._backend.refusals, self._target, since)
            for refusal in await self._backend.in_thread(read):
                self._found.setdefault(refusal.request_id, refusal)
            found()
        # Not every gateway logs requests. A request can be answered without its log line.
        self._not_logged = {each.request_id for each in self._missing(pending())}

    def _missing(self, pending: Sequence[PendingRequest]) -> list[PendingRequest]:
        known = self._found.keys() | self._not_logged
        return [each for each in pending if each.request_id not in known]
