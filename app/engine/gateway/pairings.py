"""Which devices gateways know, kept up to date beside the pages; no page waits on a gateway.

One event loop in one thread holds at most one connection per gateway, for as long
as somebody looks. A gateway says itself when a device asks, so what a page shows is
as fresh as its last poll.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from app.core.access.device import DeviceIdentity
from app.core.access.pairing import (
    PAIRING,
    GatewayRefused,
    PairedDevice,
    PairingState,
    PairingStatus,
    PendingRequest,
    scopes_to_approve,
)
from app.core.deployment import Deployment
from app.core.settings.ports import probe_address
from app.core.snapshot import Container
from app.engine.client import EngineClient
from app.engine.containers import Containers
from app.engine.gateway.connection import Endpoint
from app.engine.gateway.pairing_watch import (
    Host,
    Subject,
    Watch,
    loop_of_watches,
    unknown_device,
    unknown_request,
)

_MOST = 256

T = TypeVar("T")


class Pairings:
    """What is known of each gateway's devices, and the deeds: approve, reject, remove."""

    def __init__(
        self,
        identity: Callable[[], DeviceIdentity],
        containers: Containers,
        client: EngineClient,
        changed: Callable[[], None],
    ) -> None:
        self._host = Host(identity, containers, client, changed)
        self._watches: dict[str, Watch] = {}
        self._lock = threading.Lock()

    def seen(self, deployment: Deployment, gateway: Container) -> PairingStatus:
        """Return what is known by now, at once; a gateway that nobody asked yet is asked."""
        watch = self._watch(deployment, gateway)
        if watch is None:
            return PairingStatus(
                PairingState.UNAVAILABLE, "Too many gateways are looked at together."
            )
        return watch.seen

    def request(
        self, deployment: Deployment, gateway: Container, request_id: str
    ) -> PendingRequest:
        """Return a request that waits now. Raises RequestUnknown, GatewayRefused, GatewaySilent."""
        seen = self._do(deployment, gateway, lambda watch: watch.look_again())
        found = [each for each in seen.pending if each.request_id == request_id]
        if not found:
            raise unknown_request()
        return found[0]

    def device(self, deployment: Deployment, gateway: Container, device_id: str) -> PairedDevice:
        """Return a paired device. Raises DeviceUnknown, GatewayRefused, GatewaySilent."""
        seen = self._do(deployment, gateway, lambda watch: watch.look_again())
        found = [each for each in seen.paired if each.device_id == device_id]
        if not found:
            raise unknown_device()
        return found[0]

    def is_own(self, device_id: str) -> bool:
        """Say whether a device is this Deploy Agent itself."""
        return device_id == self._host.identity.id

    def approve(self, deployment: Deployment, gateway: Container, request: PendingRequest) -> None:
        """Raises RequestUnknown, GatewayRefused, GatewaySilent."""
        self._answer(deployment, gateway, "approve", request, scopes_to_approve(request))

    def reject(self, deployment: Deployment, gateway: Container, request: PendingRequest) -> None:
        """Raises RequestUnknown, GatewayRefused, GatewaySilent."""
        self._answer(deployment, gateway, "reject", request, (PAIRING,))

    def remove(self, deployment: Deployment, gateway: Container, device: PairedDevice) -> None:
        """Raises DeviceUnknown, GatewayRefused, GatewaySilent."""
        parameters = {"deviceId": device.device_id}
        self._do(
            deployment,
            gateway,
            lambda watch: watch.do("device.pair.remove", parameters, (PAIRING,)),
        )

    def _answer(
        self,
        deployment: Deployment,
        gateway: Container,
        verb: str,
        request: PendingRequest,
        scopes: Sequence[str],
    ) -> None:
        method, parameters = f"device.pair.{verb}", {"requestId": request.request_id}
        self._do(deployment, gateway, lambda watch: watch.do(method, parameters, scopes))

    def _do(
        self,
        deployment: Deployment,
        gateway: Container,
        deed: "Callable[[Watch], Coroutine[Any, Any, T]]",
    ) -> T:
        """Run a deed in the loop, and wait for its end."""
        watch = self._watch(deployment, gateway)
        if watch is None:
            raise GatewayRefused("Too many gateways are looked at together. Try again in a minute.")
        return asyncio.run_coroutine_threadsafe(deed(watch), loop_of_watches()).result()

    def _watch(self, deployment: Deployment, gateway: Container) -> "Watch | None":
        """Return the gateway's watch, started where it is not; None where there are too many."""
        assert deployment.port is not None
        address = gateway.address_of(deployment.port) or probe_address("")
        endpoint = Endpoint(address, deployment.port, deployment.token)
        subject = Subject(deployment.id, gateway.id, endpoint)
        with self._lock:
            watch = self._watches.get(deployment.id)
            if watch is None or watch.subject != subject:
                if watch:
                    watch.end()
                elif not self._has_room():
                    return None
                watch = self._watches[deployment.id] = Watch(subject, self._host)
            watch.look()
            return watch

    def _has_room(self) -> bool:
        if len(self._watches) < _MOST:
            return True
        for deployment_id in [key for key, watch in self._watches.items() if not watch.is_alive]:
            del self._watches[deployment_id]
        return len(self._watches) < _MOST
