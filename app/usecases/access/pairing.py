"""Pairing: list the devices that request access to a gateway; approve, reject, remove them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.core.access.pairing import (
    PairedDevice,
    PairingState,
    PairingStatus,
    PendingRequest,
    approvers,
)
from app.core.access.pairing_words import approval_words
from app.core.deployment import Deployment
from app.core.errors import GatewayNotRunning, InputRejected, UserError
from app.core.settings.ports import subnet_of
from app.core.snapshot import Container
from app.store import history
from app.store.storage_errors import storage_errors
from app.usecases.context import AppContext
from app.usecases.status.overview import DeploymentView, show_deployment


@dataclass(frozen=True, slots=True)
class PairedShown:
    """A paired device, as shown. `own` marks this Deploy Agent itself."""

    device: PairedDevice
    approved_by: str
    own: bool


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices of one deployment's gateway, as last reported."""

    seen: PairingStatus
    paired: tuple[PairedShown, ...] = ()
    # The address that the gateway sees for connections from this host.
    host_address: str = ""

    @property
    def pending(self) -> tuple[PendingRequest, ...]:
        return self.seen.pending


def devices_of(view: DeploymentView, *, context: AppContext) -> Devices:
    """Return the devices as last reported. Each call keeps them up to date for another minute."""
    gateway = _gateway(view)
    if gateway is None:
        return Devices(PairingStatus(PairingState.NOT_RUNNING))
    seen = context.pairings.status_of(view.deployment, gateway)
    deployment = view.deployment
    assert deployment.port is not None
    host_address = subnet_of(deployment.port, context.settings.subnet_pool)[1]
    return Devices(seen, _paired(deployment, seen, context), str(host_address))


def pending_request_counts(
    views: Iterable[DeploymentView], *, context: AppContext
) -> dict[str, int]:
    """Return the number of pending requests by deployment id, and keep all reports up to date."""
    counts = {}
    for view in views:
        gateway = _gateway(view)
        if gateway:
            counts[view.deployment.id] = len(
                context.pairings.status_of(view.deployment, gateway).pending
            )
    return counts


def approve_device(
    deployment_id: str, request_id: str, *, actor: str, context: AppContext
) -> PendingRequest:
    """Approve exactly this pairing request. If the history can't be written, approve nothing.

    Raises NotFound, GatewayNotRunning, RequestUnknown, GatewayRefused, GatewaySilent,
    StorageFailed.
    """
    return _decide(
        "approve_device", context.pairings.approve, deployment_id, request_id, actor, context
    )


def reject_device(
    deployment_id: str, request_id: str, *, actor: str, context: AppContext
) -> PendingRequest:
    """Reject exactly this request; the device may send another. Raises as `approve_device` does."""
    return _decide(
        "reject_device", context.pairings.reject, deployment_id, request_id, actor, context
    )


def remove_device(
    deployment_id: str, device_id: str, *, actor: str, context: AppContext
) -> PairedDevice:
    """Remove a device's pairing and close its connection; the device may request access again.

    Raises NotFound, GatewayNotRunning, InputRejected, DeviceUnknown, GatewayRefused,
    GatewaySilent, StorageFailed.
    """
    deployment, gateway = _running(deployment_id, context)
    if context.pairings.is_own(device_id):
        raise InputRejected(
            {"device_id": "is Deploy Agent itself, which needs access to list the requests here"}
        )
    device = context.pairings.device(deployment, gateway, device_id)
    entry = {"device": device.device_id, "label": device.label, "address": device.address}
    with _recorded("remove_device", deployment, actor, entry, context):
        context.pairings.remove(deployment, gateway, device)
    return device


def _decide(
    what: str,
    action: Callable[[Deployment, Container, PendingRequest], None],
    deployment_id: str,
    request_id: str,
    actor: str,
    context: AppContext,
) -> PendingRequest:
    deployment, gateway = _running(deployment_id, context)
    request = context.pairings.request(deployment, gateway, request_id)
    entry = {
        "request": request.request_id,
        "device": request.device_id,
        "label": request.label,
        "address": request.address,
        "scopes": list(request.scopes),
    }
    with _recorded(what, deployment, actor, entry, context):
        action(deployment, gateway, request)
    return request


@contextmanager
def _recorded(
    what: str, deployment: Deployment, actor: str, entry: Mapping[str, Any], context: AppContext
) -> Iterator[None]:
    """Record an action before it is done, and afterwards its failure, if any."""
    folder = context.store.folder(deployment.id)
    with storage_errors("Nothing was done, because it could not be recorded."):
        history.record(folder, what, actor, **entry)
    try:
        yield
    except UserError as error:
        with suppress(OSError):
            history.record(folder, f"{what}_failed", actor, **entry, outcome=error.code)
        raise


def _gateway(view: DeploymentView) -> Container | None:
    """Return the gateway's container; None unless it is up and has a port."""
    gateway = view.gateway
    can_answer = gateway and view.report.status.up and view.deployment.port
    return gateway if can_answer else None


def _running(deployment_id: str, context: AppContext) -> tuple[Deployment, Container]:
    view = show_deployment(deployment_id, context=context)
    gateway = _gateway(view)
    if gateway is None:
        raise GatewayNotRunning(
            f"The gateway is {view.report.status}, and only a running gateway can list its devices."
            " Launch the gateway first."
        )
    return view.deployment, gateway


def _paired(
    deployment: Deployment, seen: PairingStatus, context: AppContext
) -> tuple[PairedShown, ...]:
    if not seen.paired:
        return ()
    names = _approvers_in(context.store.folder(deployment.id))
    return tuple(
        PairedShown(
            each,
            approval_words(each.approved_via, names.get(each.device_id)),
            context.pairings.is_own(each.device_id),
        )
        for each in seen.paired
    )


def _approvers_in(folder: Path) -> dict[str, str]:
    return _approvers(folder, history.signature_of(folder))


@lru_cache(256)
def _approvers(folder: Path, _signature: history.Signature | None) -> dict[str, str]:
    """Return who approved each device. Cached by history signature: pages poll every 2 seconds."""
    return approvers(history.read_history(folder))
