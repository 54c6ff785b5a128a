"""Pairing: which devices ask a gateway to be let in, which are paired, and what that means.

Everything here came from a gateway, and through it from whoever reached its port:
it is checked for its form, cut, and made harmless before it is shown.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from app.core.errors import UserError
from app.core.text import plain

PAIRING = "operator.pairing"
ADMIN = "operator.admin"
_LONGEST = 200
_MOST = 200
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class RequestUnknown(UserError):
    code, status, title = "request_unknown", 404, "That request is not waiting any more"


class DeviceUnknown(UserError):
    code, status, title = "device_unknown", 404, "That device is not paired"


class GatewayRefused(UserError):
    code, status, title = "gateway_refused", 502, "The gateway did not do it"


class GatewaySilent(UserError):
    code, status, title = "gateway_silent", 504, "The gateway does not answer"


@dataclass(frozen=True, slots=True)
class PairingRefusal:
    """What the gateway's log says of a connection that has to be paired first."""

    request_id: str
    origin: str
    browser: str


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """One device that asks to be let in. All but the address is its own word for itself.

    `repair` says that it is paired already and asks for more, or has another key.
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
        return self.name or self.browser or _kind(self.client, self.platform)


@dataclass(frozen=True, slots=True)
class PairedDevice:
    """One device that a gateway lets in. `approved_via` is the gateway's own word for how."""

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
        return self.name or _kind(self.client, self.platform)


class PairingState(StrEnum):
    """`asking` before the first answer; `unavailable` where the last try gave none."""

    ASKING = "asking"
    KNOWN = "known"
    UNAVAILABLE = "unavailable"
    NOT_RUNNING = "not_running"


@dataclass(frozen=True, slots=True)
class PairingStatus:
    """What is known of a gateway's devices. After `known`, the devices are as of `as_of`."""

    state: PairingState
    reason: str = ""
    as_of: datetime | None = None
    pending: tuple[PendingRequest, ...] = ()
    paired: tuple[PairedDevice, ...] = field(default=())


def pending_requests(payload: Mapping[str, Any]) -> tuple[PendingRequest, ...]:
    """Return the requests in a gateway's answer, oldest first; what has no form is left out."""
    found = [_pending(each) for each in _objects(payload.get("pending"))]
    return tuple(sorted(filter(None, found), key=lambda each: each.asked_at))


def paired_devices(payload: Mapping[str, Any]) -> tuple[PairedDevice, ...]:
    """Return the paired devices in a gateway's answer, the latest approved first."""
    found = [_paired(each) for each in _objects(payload.get("paired"))]
    beginning = datetime.min.replace(tzinfo=UTC)
    known = [each for each in found if each]
    return tuple(sorted(known, key=lambda each: each.approved_at or beginning, reverse=True))


def scopes_to_approve(request: PendingRequest) -> tuple[str, ...]:
    """Return the least scopes with which a gateway lets us approve a request.

    Nobody gives what he has not got; another role than an operator's takes an administrator.
    """
    ordinary = set(request.roles) <= {"operator"} and not request.repair
    return tuple(sorted({PAIRING, *request.scopes} if ordinary else {PAIRING, ADMIN}))


def pairing_refusals(log: str) -> list[PairingRefusal]:
    """Return which browser, under which address, stands behind which request."""
    return [
        PairingRefusal(match["request"], _short(match["origin"]), browser_name(match["agent"]))
        for match in _REFUSAL.finditer(log)
    ]


# Who closes first decides over code and reason; the line's end is the gateway's own, so
# that nothing a browser calls itself can speak for another's request.
_REFUSAL = re.compile(
    r"closed before connect [^\n]*? origin=(?P<origin>\S+) host=\S+ ua=(?P<agent>[^\n]*?)"
    rf" code=\d+ reason=[^\n]* cause=pairing-required [^\n]*requestId=(?P<request>{_UUID})"
    r" reason=[\w-]+$",
    re.MULTILINE,
)


def browser_name(user_agent: str) -> str:
    """Return `Firefox on Windows`; of something else, its first word."""
    if user_agent in ("", "n/a"):
        return ""
    name = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if name is None:
        return _short((user_agent.split() or [""])[0].partition("/")[0])
    return f"{name} on {system}" if system else name


# The order decides: each browser names those before it as well.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def scope_words(scopes: Iterable[str]) -> str:
    """Return what scopes allow, in words; the widest alone says it all."""
    given = list(scopes)
    if ADMIN in given:
        return "everything, settings included"
    if not given:
        return "nothing yet"
    return ", ".join(_SCOPES.get(each, each.removeprefix("operator.")) for each in given)


_SCOPES = {
    "operator.read": "read",
    "operator.write": "chat and act",
    "operator.approvals": "approve what agents ask",
    "operator.questions": "answer what agents ask",
    "operator.pairing": "pair devices",
    "operator.talk": "talk",
    "operator.talk.secrets": "talk settings",
}


def approval_words(device: PairedDevice, approver: str | None) -> str:
    """Return by whom a device was let in; our own history knows names, the gateway only how."""
    if approver:
        return approver
    return _APPROVALS.get(device.approved_via, device.approved_via or "not known")


_APPROVALS = {
    "silent": "itself: opened on this host with the token",
    "owner": "an operator in OpenClaw",
    "bootstrap": "a one-time link of OpenClaw",
    "trusted-cidr": "OpenClaw, for its network",
    "trusted-proxy": "OpenClaw, for its proxy",
    "ssh-verified": "OpenClaw, over SSH",
}


def approvers(history: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return who approved which device, by the deployment's history."""
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


def _pending(row: Mapping[str, Any]) -> PendingRequest | None:
    request_id, device_id, asked_at = row.get("requestId"), row.get("deviceId"), _time(row, "ts")
    if not (_is_name(request_id) and _is_name(device_id) and asked_at):
        return None
    return PendingRequest(
        str(request_id),
        str(device_id),
        asked_at,
        _text(row, "remoteIp"),
        _text(row, "displayName"),
        _text(row, "clientId"),
        _text(row, "platform"),
        _roles(row),
        _names(row.get("scopes")),
        row.get("isRepair") is True,
    )


def _paired(row: Mapping[str, Any]) -> PairedDevice | None:
    device_id = row.get("deviceId")
    if not _is_name(device_id):
        return None
    return PairedDevice(
        str(device_id),
        _time(row, "approvedAtMs"),
        _text(row, "approvedVia"),
        _time(row, "lastSeenAtMs"),
        _text(row, "remoteIp"),
        _text(row, "operatorLabel") or _text(row, "displayName"),
        _text(row, "clientId"),
        _text(row, "platform"),
        _roles(row),
        _names(row.get("scopes")),
        row.get("connected") is True,
    )


def _objects(value: object) -> list[Mapping[str, Any]]:
    rows = value if isinstance(value, list) else []
    return [row for row in rows[:_MOST] if isinstance(row, dict)]


def _is_name(value: object) -> bool:
    """Say whether a value can be an id: it is sent back as it came, so it is not changed."""
    return isinstance(value, str) and bool(re.fullmatch(r"[\w.:-]{1,128}", value, re.ASCII))


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return _short(value) if isinstance(value, str) else ""


def _short(text: str) -> str:
    return " ".join(plain(text[:_LONGEST]).split())


def _names(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else []
    return tuple(dict.fromkeys(each for each in names[:_MOST] if _is_name(each)))


def _roles(row: Mapping[str, Any]) -> tuple[str, ...]:
    roles = row.get("roles") or [row.get("role")]
    return _names(roles)


def _time(row: Mapping[str, Any], key: str) -> datetime | None:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _kind(client: str, platform: str) -> str:
    kind = _CLIENTS.get(client, client) or "A device"
    return f"{kind} on {platform}" if platform else kind


_CLIENTS = {
    "openclaw-control-ui": "A browser",
    "webchat": "A browser",
    "webchat-ui": "A browser",
    "cli": "The command line",
    "openclaw-tui": "The terminal interface",
    "gateway-client": "A program",
    "node-host": "A node",
    "openclaw-ios": "The iOS app",
    "openclaw-android": "The Android app",
    "openclaw-macos": "The macOS app",
}
