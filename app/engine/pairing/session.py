"""One gateway's connection, kept open while its scopes are sufficient."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from functools import partial

from app.core.access.pairing_parser import UUID
from app.engine.pairing.backend import PairingBackend, PairingTarget
from app.engine.pairing.connection import GatewayGone, Operator, Refused, connected

_APPROVAL_SECONDS = 12.0


class OperatorSession:
    """Holds at most one connection; `on_event` gets the names of the gateway's events."""

    def __init__(
        self, target: PairingTarget, backend: PairingBackend, on_event: Callable[[str], None]
    ) -> None:
        self._target = target
        self._backend = backend
        self._on_event = on_event
        self._operator: Operator | None = None
        self._as_page = True

    @property
    def scopes(self) -> frozenset[str]:
        return self._operator.scopes if self._operator else frozenset()

    async def open(self, scopes: Sequence[str]) -> Operator:
        """Return a connection with these scopes; connect again if the open one lacks a scope.

        Raises Refused, GatewayGone, StorageFailed.
        """
        current = self._operator
        if current and current.is_open and current.scopes >= set(scopes):
            return current
        await self.close()
        self._operator = await self._connect_approved(scopes)
        return self._operator

    async def close(self) -> None:
        operator, self._operator = self._operator, None
        if operator:
            await operator.close()

    async def _connect_approved(self, scopes: Sequence[str]) -> Operator:
        """Connect. If the gateway requires an approval of this device, run its approve command."""
        is_approved = False
        deadline = time.monotonic() + _APPROVAL_SECONDS
        while True:
            try:
                return await self._connect(scopes)
            except Refused as refused:
                if refused.code == "CONTROL_UI_ORIGIN_NOT_ALLOWED" and self._as_page:
                    self._as_page = False
                    continue
                if refused.code != "PAIRING_REQUIRED" or time.monotonic() > deadline:
                    raise
                if not is_approved and re.fullmatch(UUID, refused.request_id):
                    await self._backend.in_thread(
                        partial(
                            self._backend.approve_in_container, self._target, refused.request_id
                        )
                    )
                    is_approved = True
            await asyncio.sleep(1)

    async def _connect(self, scopes: Sequence[str]) -> Operator:
        if not self._target.endpoint.token:
            raise GatewayGone("there is no token in .env")
        identity = await self._backend.in_thread(lambda: self._backend.identity)
        async with self._backend.connecting:
            return await connected(
                self._target.endpoint, identity, scopes, self._on_event, as_page=self._as_page
            )
