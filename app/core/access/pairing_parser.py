"""Read a gateway's answers about devices.

The answers are untrusted: anybody who reaches a gateway's port can send it text. So the text is
checked, shortened and cleaned before it is shown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.core.access.pairing import PairedDevice, PendingRequest
from app.core.access.pairing_words import browser_name, short

_MOST = 200
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True, slots=True)
class PairingRefusal:
    """A connection that a gateway refused because the device is not paired, read from its log."""

    request_id: str
    origin: str
    browser: str


def pending_requests(payload: Mapping[str, Any]) -> tuple[PendingRequest, ...]:
    """Return the requests in a gateway's answer, oldest first, without malformed ones."""
    found = [_pending(each) for each in _objects(payload.get("pending"))]
    return tuple(sorted(filter(None, found), key=lambda each: each.asked_at))


def paired_devices(payload: Mapping[str, Any]) -> tuple[PairedDevice, ...]:
    """Return the paired devices in a gateway's answer, most recently approved first."""
    found = [_paired(each) for each in _objects(payload.get("paired"))]
    beginning = datetime.min.replace(tzinfo=UTC)
    known = [each for each in found if each]
    return tuple(sorted(known, key=lambda each: each.approved_at or beginning, reverse=True))


def pairing_refusals(log: str) -> list[PairingRefusal]:
    """Return the refused connections in a log: browser and origin of each pairing request."""
    return [
        PairingRefusal(match["request"], short(match["origin"]), browser_name(match["agent"]))
        for match in _REFUSAL.finditer(log)
    ]


# Code and reason depend on which side closes first. The request id is taken from the end of the
# line, because only the gateway writes there: a browser could put another browser's request id into
# its user agent.
_REFUSAL = re.compile(
    r"closed before connect [^\n]*? origin=(?P<origin>\S+) host=\S+ ua=(?P<agent>[^\n]*?)"
    rf" code=\d+ reason=[^\n]* cause=pairing-required [^\n]*requestId=(?P<request>{UUID})"
    r" reason=[\w-]+$",
    re.MULTILINE,
)


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
    """Return whether a value is a valid id. Ids are sent back, so they must not be cleaned."""
    return isinstance(value, str) and bool(re.fullmatch(r"[\w.:-]{1,128}", value, re.ASCII))


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return short(value) if isinstance(value, str) else ""


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
