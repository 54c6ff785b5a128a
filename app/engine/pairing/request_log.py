"""What only a gateway's log says of a pending request: its browser and the opened address."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from app.core.access.pairing import PendingRequest
from app.core.access.pairing_parser import PairingRefusal
from app.engine.pairing.backend import PairingBackend, PairingTarget

# The line is written when the connection has ended, a while after the request.
_PAUSES = (0.3, 0.7, 1.5, 3.0)


class RequestLog:
    def __init__(self, target: PairingTarget, backend: PairingBackend) -> None:
        self._target = target
        self._backend = backend
        self._found: dict[str, PairingRefusal] = {}
        self._not_logged: set[str] = set()
        self._reading: asyncio.Task[None] | None = None

    def completed(self, pending: Sequence[PendingRequest]) -> tuple[PendingRequest, ...]:
        """Return the requests with what is known from the log by now."""
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
        """Read the log in the background if a request is missing; call `found` after each look."""
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
        # Not every gateway logs it; a request can be answered without.
        self._not_logged = {each.request_id for each in self._missing(pending())}

    def _missing(self, pending: Sequence[PendingRequest]) -> list[PendingRequest]:
        known = self._found.keys() | self._not_logged
        return [each for each in pending if each.request_id not in known]
