"""Pairing: a gateway's answers are validated, then shown as text."""

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.core.access.device import Client, DeviceIdentity
from app.core.access.pairing import approvers, scopes_to_approve
from app.core.access.pairing_parser import paired_devices, pairing_refusals, pending_requests
from app.core.access.pairing_words import approval_words, browser_name, scope_words

REQUEST = "a0815f06-2cfa-43b6-a984-eb1fa1f4e5b5"
DEVICE = "90086b5d0a1c78ce8fa8ad6741326bd674d962e84e61227d319d84683d943131"
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"
    " Safari/537.36"
)


def asking(**more: Any) -> dict[str, Any]:
    """Return a pairing request in the format of OpenClaw 2026.9.6."""
    return {
        "requestId": REQUEST,
        "deviceId": DEVICE,
        "publicKey": "-gyY0ilK57ewZbSR248G2MuyejRXD6BOkyx8uPtu-bQ",
        "platform": "Linux x86_64",
        "clientId": "openclaw-control-ui",
        "clientMode": "webchat",
        "role": "operator",
        "roles": ["operator"],
        "scopes": ["operator.read", "operator.pairing"],
        "remoteIp": "10.1.2.3",
        "silent": False,
        "isRepair": False,
        "ts": 1795505002357,
        **more,
    }


def test_a_request_is_parsed_as_openclaw_lists_it() -> None:
    [request] = pending_requests({"pending": [asking()]})

    assert request.request_id == REQUEST
    assert request.device_id == DEVICE
    assert request.address == "10.1.2.3"
    assert request.asked_at.isoformat() == "2026-11-24T07:23:22.357000+00:00"
    assert request.label == "A browser on Linux x86_64"
    assert request.scopes == ("operator.read", "operator.pairing")


def test_requests_are_sorted_oldest_first() -> None:
    newer, older = asking(), asking(requestId="older", ts=1795505000000)

    found = pending_requests({"pending": [newer, older]})

    assert [each.request_id for each in found] == ["older", REQUEST]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"pending": None},
        {"pending": "x"},
        {"pending": [None, 7, [], "x"]},
        {"pending": [asking(requestId=None)]},
        {"pending": [asking(requestId="a b")]},
        {"pending": [asking(requestId="x" * 129)]},
        {"pending": [asking(deviceId={})]},
        {"pending": [asking(ts="now")]},
        {"pending": [asking(ts=True)]},
        {"pending": [asking(ts=1e300)]},
    ],
)
def test_malformed_requests_are_left_out(payload: dict[str, Any]) -> None:
    assert pending_requests(payload) == ()


def test_what_a_device_says_about_itself_is_cleaned() -> None:
    [request] = pending_requests(
        {
            "pending": [
                asking(
                    displayName="\x1b[31mBoss\u202e\n" + "x" * 1000,
                    scopes=["operator.read", 7, "<b>", "operator.read"],
                    roles=None,
                    role=None,
                    platform=[],
                )
            ]
        }
    )

    assert "\x1b" not in request.label
    assert "\u202e" not in request.label
    assert len(request.label) < 250
    assert request.scopes == ("operator.read",)
    assert (request.roles, request.platform) == ((), "")


def test_paired_devices_are_sorted_by_latest_approval() -> None:
    older = {"deviceId": "older", "approvedAtMs": 1, "approvedVia": "silent"}
    newer = {"deviceId": "newer", "approvedAtMs": 2, "connected": True, "operatorLabel": "Mac"}

    found = paired_devices({"paired": [older, {"deviceId": None}, {"deviceId": "odd"}, newer]})

    assert [each.device_id for each in found] == ["newer", "older", "odd"]
    assert found[0].connected
    assert found[0].label == "Mac"


@pytest.mark.parametrize(
    ("more", "needed"),
    [
        ({}, ("operator.pairing", "operator.read")),
        ({"scopes": ["operator.admin"]}, ("operator.admin", "operator.pairing")),
        ({"scopes": []}, ("operator.pairing",)),
        ({"roles": ["node"]}, ("operator.admin", "operator.pairing")),
        ({"isRepair": True}, ("operator.admin", "operator.pairing")),
    ],
)
def test_an_approval_uses_the_fewest_scopes(more: dict[str, Any], needed: tuple[str, ...]) -> None:
    [request] = pending_requests({"pending": [asking(**more)]})

    assert scopes_to_approve(request) == needed


def closed(agent: str = CHROME, end: str = "code=1000 reason=n/a", request: str = REQUEST) -> str:
    """Return the line that OpenClaw 2026.9.6 logs when a device is not paired."""
    return (
        "2026-11-24T07:23:22.377+00:00 [ws] closed before connect conn=76e5fa9d"
        " peer=172.17.0.1:53354->172.17.0.2:23456 remote=172.17.0.1 fwd=n/a"
        f" origin=http://10.9.8.7:23456 host=10.9.8.7:23456 ua={agent} {end}"
        " phase=auth_validated cause=pairing-required durationMs=112 handshake=failed"
        f' userAgent="{agent}" deviceId={DEVICE} requestId={request} reason=not-paired\n'
    )


@pytest.mark.parametrize(
    "end",
    [
        "code=1000 reason=n/a",
        f"code=1008 reason=pairing required: device is not approved yet (requestId: {REQUEST})",
    ],
)
def test_the_gateways_log_names_the_browser_behind_a_request(end: str) -> None:
    [refusal] = pairing_refusals(
        "[gateway] ready\n" + closed(end=end) + "[ws] closed before connect\n"
    )

    assert refusal.request_id == REQUEST
    assert refusal.browser == "Chrome on Linux"
    assert refusal.origin == "http://10.9.8.7:23456"


def test_a_user_agent_cannot_claim_another_request() -> None:
    other = "b0815f06-2cfa-43b6-a984-eb1fa1f4e5b5"
    agent = (
        f"Firefox/1 code=1008 reason=x cause=pairing-required requestId={other} reason=not-paired"
    )

    assert [each.request_id for each in pairing_refusals(closed(agent))] == [REQUEST]


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME, "Chrome on Linux"),
        (CHROME + " Edg/131.0", "Edge on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; rv:132.0) Gecko/20100101 Firefox/132.0",
            "Firefox on Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Safari/605.1", "Safari on macOS"),
        ("openclaw-cli/1.2.3 node", "openclaw-cli"),
        ("n/a", ""),
        ("", ""),
    ],
)
def test_a_browser_is_named_with_its_operating_system(agent: str, name: str) -> None:
    assert browser_name(agent) == name


def test_scopes_are_shown_in_words() -> None:
    assert scope_words(["operator.read", "operator.admin"]) == "everything, settings included"
    assert scope_words(["operator.read", "operator.write"]) == "read, chat and act"
    assert scope_words(["operator.new"]) == "new"
    assert scope_words([]) == "nothing yet"


def test_the_history_says_who_approved_a_device() -> None:
    history = [
        {"what": "configure", "who": "ana"},
        {"what": "approve_device", "who": "ana", "device": "a"},
        {"what": "approve_device", "who": "bo", "device": "b"},
        {"what": "remove_device", "who": "ana", "device": "b"},
        {"what": "approve_device", "who": "cy", "device": "c"},
        {"what": "approve_device_failed", "who": "cy", "device": "c"},
        {"what": "approve_device", "who": 7, "device": ["d"]},
    ]

    assert approvers(history) == {"a": "ana"}


def test_without_our_record_the_gateway_says_how_a_device_was_approved() -> None:
    [silent, odd] = paired_devices(
        {
            "paired": [
                {"deviceId": "a", "approvedVia": "silent", "approvedAtMs": 2},
                {"deviceId": "b", "approvedVia": "magic", "approvedAtMs": 1},
            ]
        }
    )

    assert approval_words(silent.approved_via, "ana") == "ana"
    assert "opened on this host" in approval_words(silent.approved_via, None)
    assert approval_words(odd.approved_via, None) == "magic"


def test_a_proof_is_signed_over_the_whole_request() -> None:
    identity = DeviceIdentity(bytes(range(32)))

    proof = identity.proof(Client("cli", "cli", "Linux x86_64"), ["a", "b"], "token", "nonce", 7)

    raw = base64.urlsafe_b64decode(f"{proof['publicKey']}=")
    signature = base64.urlsafe_b64decode(f"{proof['signature']}==")
    signed = f"v3|{identity.id}|cli|cli|operator|a,b|7|token|nonce|linux x86_64|"
    Ed25519PublicKey.from_public_bytes(raw).verify(signature, signed.encode())
    assert proof["id"] == identity.id == hashlib.sha256(raw).hexdigest()
    assert (proof["nonce"], proof["signedAt"]) == ("nonce", 7)
