"""Pairing: which devices ask to use a gateway, and which are paired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core.access.pairing_words import ADMIN, client_words
from app.core.errors import UserError

PAIRING = "operator.pairing"


class RequestUnknown(UserError):
    code, status, title = "request_unknown", 404, "This request is no longer waiting"


class DeviceUnknown(UserError):
    code, status, title = "device_unknown", 404, "This device is not paired"


class GatewayRefused(UserError):
    code, status, title = "gateway_refused", 502, "The gateway refused"


class GatewaySilent(UserError):
    code, status, title = "gateway_silent", 504, "The gateway does not answer"


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A device that asks to be paired. All fields except the address are the device's own claims.

    `repair` means that the device is already paired and asks for more scopes, or has a new key.
    """

    request_id: str
    device_id: str
    asked_at: datetime
    address: str = ""
    name: str = ""
    client: str = ""
    platform: str = ""
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    repair: bool = False
    browser: str = ""
    origin: str = ""

    @property
    def label(self) -> str:
        return self.name or self.browser or client_words(self.client, self.platform)


@dataclass(frozen=True, slots=True)
class PairedDevice:
    """A paired device. `approved_via` is the gateway's own word for the kind of approval."""

    device_id: str
    approved_at: datetime | None = None
    approved_via: str = ""
    last_seen_at: datetime | None = None
    address: str = ""
    name: str = ""
    client: str = ""
    platform: str = ""
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    connected: bool = False

    @property
    def label(self) -> str:
        return self.name or client_words(self.client, self.platform)


class PairingState(StrEnum):
    """`asking` until the first answer; `unavailable` if the last request got no answer."""

    ASKING = "asking"
    KNOWN = "known"
    UNAVAILABLE = "unavailable"
    NOT_RUNNING = "not_running"


@dataclass(frozen=True, slots=True)
class PairingStatus:
    """What we know about a gateway's devices. The lists are from the time `as_of`."""

    state: PairingState
    reason: str = ""
    as_of: datetime | None = None
    pending: tuple[PendingRequest, ...] = ()
    paired: tuple[PairedDevice, ...] = ()


def scopes_to_approve(request: PendingRequest) -> tuple[str, ...]:
    """Return the fewest scopes with which the gateway lets us approve a request.

    An approver needs the scopes that the request asks for. A role other than operator, or a repair,
    needs an administrator.
    """
    ordinary = set(request.roles) <= {"operator"} and not request.repair
    return tuple(sorted({PAIRING, *request.scopes} if ordinary else {PAIRING, ADMIN}))


def approvers(history: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the approver of each device, from the deployment's history."""
    found: dict[str, str] = {}
    for entry in history:
        device, who = entry.get("device"), entry.get("who")
        if not isinstance(device, str):
            continue
        if entry.get("what") == "approve_device" and isinstance(who, str):
            found[device] = who
        elif entry.get("what") in ("approve_device_failed", "remove_device"):
            found.pop(device, None)
    return found
