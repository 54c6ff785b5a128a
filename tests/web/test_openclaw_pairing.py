"""Pairing on the real OpenClaw gateway: seen, approved, connected, removed."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import create_app
from app.config import Settings
from tests.api import Api
from tests.waiting import eventually
from tests.web.test_pairing import Gateway


@pytest.fixture
def gateway(deployments_dir: Path) -> Iterator[Gateway]:
    gateway = Gateway(Api(create_app(Settings(deployments_dir=deployments_dir))), deployments_dir)
    eventually(gateway.known, within=10)
    yield gateway
    gateway.leave()


def test_a_browser_asks_is_seen_approved_let_in_and_removed(gateway: Gateway) -> None:
    browser, other = gateway.browser(), gateway.browser()
    [own] = gateway.devices()["paired"]
    assert own["own"] is True
    assert own["scopes"] == ["operator.pairing"]

    request_id, second = browser.ask(), other.ask()
    begun = time.monotonic()
    eventually(lambda: gateway.asking() == [request_id, second], within=5)
    assert "2 devices ask" in gateway.api.page("/").text
    eventually(lambda: gateway.devices()["pending"][0]["browser"] == "Chrome on Linux", within=5)
    assert re.search(r"10\.9\.8\.7", gateway.page())

    assert gateway.answer("approve", request_id=request_id).json["status"] == "approved"
    assert gateway.answer("reject", request_id=second).json["status"] == "rejected"
    assert browser.knock()["ok"] is True
    assert time.monotonic() - begun < 15

    used = gateway.answer("approve", request_id=request_id)
    assert (used.status_code, used.json["code"]) == (404, "request_unknown")
    assert other.ask() != second
    removed = gateway.answer("remove", device_id=browser.identity.id)
    assert removed.json["status"] == "removed"
    browser.ask()
    assert [each["what"] for each in gateway.deeds()] == [
        "approve_device",
        "reject_device",
        "remove_device",
    ]


def test_where_the_gateway_takes_no_page_of_this_host_its_own_command_lets_us_in_once(
    gateway: Gateway,
) -> None:
    """A person's own list of origins shuts 127.0.0.1 out; the page still sees who asks."""
    config = gateway.folder / "config" / "openclaw.json"
    text = re.sub(
        r'"allowedOrigins": \[[^]]*\]',
        '"allowedOrigins": ["https://x.example"]',
        config.read_text(),
    )
    config.write_text(text)
    device = gateway.folder.parent / ".deploy-agent" / "device.json"
    device.unlink()
    gateway.api.stop(gateway.id)
    gateway = _again(gateway)

    request_id = gateway.browser().ask()
    eventually(lambda: gateway.asking() == [request_id], within=20)
    assert gateway.answer("approve", request_id=request_id).json["status"] == "approved"


def _again(gateway: Gateway) -> Gateway:
    """Launch a deployment again, under a server that has another device."""
    gateway.api = Api(create_app(Settings(deployments_dir=gateway.folder.parent)))
    assert gateway.api.launch(gateway.id).status_code == 200
    return gateway
