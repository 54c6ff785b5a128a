"""Pairing: a request appears within seconds, and only this request is answered and recorded."""

import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from websockets.exceptions import ConnectionClosed, WebSocketException

from app.engine.pairing import watch
from demo.devices import Browser
from tests.support.api import BASE, Api
from tests.support.engine.containers import containers_of
from tests.support.files.env_edits import edit_env
from tests.support.pairing_gateway import PairingGateway
from tests.support.waiting import eventually

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def gateway(api: Api, deployments_dir: Path) -> Iterator[PairingGateway]:
    gateway = PairingGateway(api, deployments_dir)
    launched = api.launch(gateway.id)
    assert launched.status_code == 200, launched.text
    eventually(gateway.known)
    yield gateway
    gateway.close_browsers()


def test_a_request_is_shown_and_its_approval_pairs_that_browser(
    gateway: PairingGateway, api: Api
) -> None:
    browser = gateway.browser()
    request_id = browser.ask()

    eventually(lambda: f'id="request-{request_id}"' in gateway.page())
    assert "1 device asks" in api.page("/").text
    [asking] = eventually(lambda: _named(gateway.devices()["pending"]))
    assert asking["request_id"] == request_id
    assert asking["device_id"] == browser.identity.id
    assert asking["browser"] == "Chrome on Linux"
    assert asking["opened_at"] == f"http://10.9.8.7:{gateway.env['PORT']}"
    assert re.fullmatch(r"\d+(\.\d+){3}", asking["address"])
    assert "operator.admin" in asking["scopes"]
    assert 0 <= asking["age_seconds"] < 30
    for words in ("Chrome on Linux", asking["address"], "everything, settings included"):
        assert words in gateway.page()

    answer = gateway.answer("approve", request_id=request_id)

    assert answer.status_code == 200, answer.text
    assert answer.json == {
        "ok": True,
        "deployment_id": gateway.id,
        "request_id": request_id,
        "device_id": browser.identity.id,
        "status": "approved",
    }
    assert browser.knock()["ok"] is True
    assert gateway.pending_ids() == []
    assert "device asks" not in api.page("/").text
    [entry] = gateway.device_entries()
    assert (entry["what"], entry["who"]) == ("approve_device", "a local user")
    assert (entry["request"], entry["device"]) == (request_id, browser.identity.id)
    [paired] = [each for each in gateway.devices()["paired"] if not each["own"]]
    assert paired["device_id"] == browser.identity.id
    assert paired["approved_by"] == "a local user"
    assert paired["approved_at"]
    assert "by a local user" in gateway.page()


def _named(pending: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Wait for the browser's name: the gateway logs it a moment after the request."""
    return pending if all(each["browser"] for each in pending) else []


def test_a_rejected_browser_stays_out_and_may_ask_again(gateway: PairingGateway) -> None:
    browser = gateway.browser()
    request_id = browser.ask()

    answer = gateway.answer("reject", request_id=request_id)

    assert answer.json["status"] == "rejected"
    assert gateway.pending_ids() == []
    assert browser.ask() != request_id
    assert [entry["what"] for entry in gateway.device_entries()] == ["reject_device"]


def test_of_two_browsers_only_the_approved_one_gets_in(gateway: PairingGateway, api: Api) -> None:
    first, second = gateway.browser(), gateway.browser()
    one, other = first.ask(), second.ask()

    eventually(lambda: gateway.pending_ids() == [one, other])
    assert "2 devices ask" in api.page("/").text
    gateway.answer("approve", request_id=other)

    assert second.knock()["ok"] is True
    assert first.ask() == one
    assert gateway.pending_ids() == [one]


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_an_answered_or_unknown_request_is_reported(gateway: PairingGateway, verb: str) -> None:
    used = gateway.browser().ask()
    gateway.answer("approve", request_id=used)

    for request_id in (used, NOBODY, "--latest", "“"):
        answer = gateway.answer(verb, request_id=request_id)
        page = gateway.press_button(verb, request_id=request_id)

        assert answer.status_code == page.status_code == 404
        assert answer.json["code"] == "request_unknown"
        assert "answered already" in answer.json["detail"]
        assert "answered already" in page.text
    assert len(gateway.device_entries()) == 1


def test_the_buttons_work_without_javascript_but_need_the_csrf_token(
    gateway: PairingGateway,
) -> None:
    browser = gateway.browser()
    request_id = browser.ask()
    eventually(gateway.pending_ids)

    forged = gateway.api.client.post(
        f"/deployments/{gateway.id}/pairing/approve",
        data={"request_id": request_id},
        headers={"Origin": BASE},
        base_url=BASE,
    )
    pressed = gateway.press_button("approve", request_id=request_id)

    assert forged.status_code == 400
    assert pressed.status_code == 303
    assert browser.knock()["ok"] is True
    assert gateway.press_button("remove", device_id=browser.identity.id).status_code == 303
    browser.ask()


def test_a_removed_device_is_disconnected_and_must_ask_again(gateway: PairingGateway) -> None:
    browser = gateway.browser()
    gateway.answer("approve", request_id=browser.ask())
    assert browser.knock()["ok"] is True

    answer = gateway.answer("remove", device_id=browser.identity.id)
    again = gateway.answer("remove", device_id=browser.identity.id)

    assert answer.json["status"] == "removed"
    assert again.status_code == 404
    assert again.json["code"] == "device_unknown"
    with pytest.raises(ConnectionClosed) as closed:
        browser.call("health")
        browser.call("health")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4001
    browser.ask()
    assert [entry["what"] for entry in gateway.device_entries()] == [
        "approve_device",
        "remove_device",
    ]


def test_our_own_device_is_marked_has_the_fewest_scopes_and_stays(
    gateway: PairingGateway, deployments_dir: Path
) -> None:
    [own] = gateway.devices()["paired"]

    answer = gateway.answer("remove", device_id=own["device_id"])

    assert own["own"] is True
    assert own["scopes"] == ["operator.pairing"]
    assert answer.status_code == 422
    key = deployments_dir / ".deploy-agent" / "device.json"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert gateway.device_entries() == []


def test_a_page_on_this_host_with_the_token_is_paired_at_once(
    gateway: PairingGateway,
) -> None:
    assert gateway.browser(name="127.0.0.1").knock()["ok"] is True

    def itself() -> list[str]:
        paired = gateway.devices()["paired"]
        return [each["approved_by"] for each in paired if not each["own"]]

    [approved_by] = eventually(itself)
    assert "opened on this host" in approved_by


def test_pairings_survive_a_restart_and_requests_reappear(
    gateway: PairingGateway, engine: docker.APIClient
) -> None:
    browser = gateway.browser()
    gateway.answer("approve", request_id=browser.ask())

    engine.restart(containers_of(engine, gateway.id)[0]["Id"], timeout=5)

    assert eventually(lambda: _knocks(browser))
    other = gateway.browser().ask()
    eventually(lambda: gateway.pending_ids() == [other])


def _knocks(browser: Browser) -> bool:
    try:
        return bool(browser.knock()["ok"])
    except (OSError, WebSocketException):
        return False


def test_a_hanging_gateway_delays_no_page_and_an_action_reports_it(
    gateway: PairingGateway, engine: docker.APIClient
) -> None:
    request_id = gateway.browser().ask()
    eventually(gateway.pending_ids)
    container = containers_of(engine, gateway.id)[0]["Id"]
    engine.pause(container)
    try:
        page = gateway.page()
        answer = gateway.answer("approve", request_id=request_id)
    finally:
        engine.unpause(container)

    assert f'id="request-{request_id}"' in page
    assert answer.status_code == 504
    assert answer.json["code"] == "gateway_silent"
    eventually(lambda: gateway.answer("approve", request_id=request_id).status_code == 200)


def test_a_refused_token_is_tried_once_until_env_changes(
    gateway: PairingGateway, api: Api, engine: docker.APIClient
) -> None:
    edit_env(gateway.folder, OPENCLAW_GATEWAY_TOKEN="another")
    eventually(lambda: gateway.devices()["state"] == "unavailable")
    for _ in range(20):
        gateway.page()
        api.page("/")
        gateway.answer("approve", request_id=NOBODY)

    devices = gateway.devices()
    log = engine.logs(containers_of(engine, gateway.id)[0]["Id"]).decode()
    refused = [line for line in log.splitlines() if "unauthorized" in line]
    assert "refuses the token" in devices["reason"]
    assert "refuses the token" in gateway.answer("approve", request_id=NOBODY).json["detail"]
    assert len([line for line in refused if "client=openclaw-control-ui" in line]) == 1

    edit_env(gateway.folder, OPENCLAW_GATEWAY_TOKEN=gateway.env["OPENCLAW_GATEWAY_TOKEN"])
    eventually(gateway.known)


def test_the_connection_is_closed_when_no_page_needs_it(
    gateway: PairingGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = gateway.browser(name="127.0.0.1", scopes=("operator.pairing",))
    assert operator.knock()["ok"] is True

    def is_connected() -> bool:
        paired = operator.call("device.pair.list")["payload"]["paired"]
        return any(each["connected"] for each in paired if each.get("displayName"))

    assert is_connected()
    monkeypatch.setattr(watch, "_IDLE_SECONDS", 1.0)
    eventually(lambda: not is_connected(), within=30, every=0.5)
    gateway.devices()
    eventually(is_connected)


def test_a_stopped_gateway_is_not_asked(gateway: PairingGateway, api: Api) -> None:
    api.stop(gateway.id)

    answers = [
        gateway.answer("approve", request_id=NOBODY),
        gateway.answer("reject", request_id=NOBODY),
        gateway.answer("remove", device_id="0" * 64),
    ]

    assert gateway.devices()["state"] == "not_running"
    for answer in answers:
        assert answer.status_code == 409
        assert answer.json["code"] == "gateway_not_running"


BAD: list[tuple[Callable[[str], dict[str, object]], int]] = [
    (lambda _id: {"request_id": NOBODY}, 422),
    (lambda id_: {"deployment_id": id_}, 422),
    (lambda id_: {"deployment_id": id_, "request_id": 7}, 422),
    (lambda id_: {"deployment_id": id_, "request_id": NOBODY, "device": "x"}, 422),
    (lambda _id: {"deployment_id": "ffffffffff", "request_id": NOBODY}, 404),
    (lambda _id: {"deployment_id": "../x", "request_id": NOBODY}, 404),
]


@pytest.mark.parametrize(("body", "status"), BAD)
def test_bad_input_is_rejected(
    api: Api, body: Callable[[str], dict[str, object]], status: int
) -> None:
    deployment_id = api.configure()

    assert api.post("pairing/approve", body(deployment_id)).status_code == status
    assert api.get("pairing/ffffffffff").status_code == 404
