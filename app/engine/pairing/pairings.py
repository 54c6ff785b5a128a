"""The devices of each gateway, kept up to date in the background: no page waits for a gateway.

One event loop in one thread holds at most one connection per gateway, while somebody looks at the
gateway's devices. A gateway sends an event for each pairing request, so a page is as fresh as its
last poll.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
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
from app.engine.pairing.backend import PairingBackend, PairingTarget, pairing_loop
from app.engine.pairing.connection import Endpoint
from app.engine.pairing.errors import unknown_device, unknown_request
from app.engine.pairing.watch import PairingWatch

_MOST_WATCHES = 256
_TOO_MANY = f"More than {_MOST_WATCHES} gateways are watched at the moment."

T = TypeVar("T")


class Pairings:
    """Lists the devices of gateways, and approves, rejects and removes them."""

    def __init__(
        self,
        identity: Callable[[], DeviceIdentity],
        containers: Containers,
        client: EngineClient,
        changed: Callable[[], None],
    ) -> None:
        self._backend = PairingBackend(identity, containers, client, changed)
        self._watches: dict[str, PairingWatch] = {}
        self._lock = threading.Lock()

    def status_of(self, deployment: Deployment, gateway: Container) -> PairingStatus:
        """Return the known devices without waiting; the first call begins a watch."""
        watch = self._watch(deployment, gateway)
        return watch.status if watch else PairingStatus(PairingState.UNAVAILABLE, _TOO_MANY)

    def request(
        self, deployment: Deployment, gateway: Container, request_id: str
    ) -> PendingRequest:
        """Return a waiting request, as the gateway lists it now.

        Raises RequestUnknown, GatewayRefused, GatewaySilent.
        """
        status = self._in_loop(deployment, gateway, lambda watch: watch.refresh())
        found = [each for each in status.pending if each.request_id == request_id]
        if not found:
            raise unknown_request()
        return found[0]

    def device(self, deployment: Deployment, gateway: Container, device_id: str) -> PairedDevice:
        """Return a paired device. Raises DeviceUnknown, GatewayRefused, GatewaySilent."""
        status = self._in_loop(deployment, gateway, lambda watch: watch.refresh())
        found = [each for each in status.paired if each.device_id == device_id]
        if not found:
            raise unknown_device()
        return found[0]

    def is_own(self, device_id: str) -> bool:
        """Return whether a device is this Deploy Agent."""
        return device_id == self._backend.identity.id

    def approve(self, deployment: Deployment, gateway: Container, request: PendingRequest) -> None:
        """Raises RequestUnknown, GatewayRefused, GatewaySilent."""
        parameters, scopes = {"requestId": request.request_id}, scopes_to_approve(request)
        self._call(deployment, gateway, "device.pair.approve", parameters, scopes)

    def reject(self, deployment: Deployment, gateway: Container, request: PendingRequest) -> None:
        """Raises RequestUnknown, GatewayRefused, GatewaySilent."""
        parameters = {"requestId": request.request_id}
        self._call(deployment, gateway, "device.pair.reject", parameters)

    def remove(self, deployment: Deployment, gateway: Container, device: PairedDevice) -> None:
        """Raises DeviceUnknown, GatewayRefused, GatewaySilent."""
        self._call(deployment, gateway, "device.pair.remove", {"deviceId": device.device_id})

    def _call(
        self,
        deployment: Deployment,
        gateway: Container,
        method: str,
        parameters: Mapping[str, str],
        scopes: Sequence[str] = (PAIRING,),
    ) -> None:
        self._in_loop(deployment, gateway, lambda watch: watch.call(method, parameters, scopes))

    def _in_loop(
        self,
        deployment: Deployment,
        gateway: Container,
        action: Callable[[PairingWatch], Coroutine[Any, Any, T]],
    ) -> T:
        """Run an action in the loop and return its result. Raises GatewayRefused."""
        watch = self._watch(deployment, gateway)
        if watch is None:
            raise GatewayRefused(f"{_TOO_MANY} Try again in a minute.")
        return asyncio.run_coroutine_threadsafe(action(watch), pairing_loop()).result()

    def _watch(self, deployment: Deployment, gateway: Container) -> PairingWatch | None:
        """Return the gateway's watch; begin one if needed. None if there are too many watches."""
        assert deployment.port is not None
        address = gateway.address_of(deployment.port) or probe_address("")
        endpoint = Endpoint(address, deployment.port, deployment.token)
        target = PairingTarget(deployment.id, gateway.id, endpoint)
        with self._lock:
            watch = self._watches.get(deployment.id)
            if watch is None or watch.target != target:
                if watch:
                    watch.end()
                elif not self._has_room():
                    return None
                watch = self._watches[deployment.id] = PairingWatch(target, self._backend)
            watch.look()
            return watch

    def _has_room(self) -> bool:
        if len(self._watches) < _MOST_WATCHES:
            return True
        for deployment_id in [key for key, watch in self._watches.items() if not watch.is_alive]:
            del self._watches[deployment_id]
        return len(self._watches) < _MOST_WATCHES
