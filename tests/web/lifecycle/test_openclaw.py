"""The real OpenClaw gateway: launch, connect, pair, check the provider, allow an origin, stop.

The tests of this module share a gateway: its start takes minutes of CPU time.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from websockets.sync.client import connect

from app import create_app
from app.config import Settings
from app.core.settings.env_file import parse_env
from app.engine.gateway.handshake import connect_request
from demo.cleaning import remove_everything_of
from demo.provider import Provider
from tests.support.api import API_KEY, Api
from tests.support.engine.containers import containers_of
from tests.support.pairing_gateway import PairingGateway
from tests.support.provider_check import check_provider
from tests.support.waiting import eventually

OF_A_START = 240
NAME = "gw.example"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def deployments_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("openclaw") / "deployments"
    folder.mkdir()
    yield folder
    remove_everything_of(folder)


def new_api(deployments_dir: Path) -> Api:
    return Api(create_app(Settings(deployments_dir=deployments_dir, launch_timeout=OF_A_START)))


def succeeded(api: Api, deployment_id: str, call: str, **given: str) -> None:
    """Make a call that starts an operation, and wait until the operation has succeeded."""
    begun = api.post(call, {"deployment_id": deployment_id, "wait": False, **given})
    assert begun.status_code == 202, begun.text

    def ended() -> dict[str, Any] | None:
        operation = api.status(deployment_id)["operation"]
        return dict(operation) if operation["state"] != "running" else None

    operation = eventually(ended, within=OF_A_START, every=0.5)
    assert operation["state"] == "succeeded", operation


@pytest.fixture(scope="module")
def gateway(deployments_dir: Path, provider: Provider) -> Iterator[PairingGateway]:
    gateway = PairingGateway(new_api(deployments_dir), deployments_dir, provider.base_url)
    succeeded(gateway.api, gateway.id, "launch")
    eventually(gateway.known)
    yield gateway
    gateway.close_browsers()


def test_openclaw_accepts_the_token_and_has_it_in_its_config(
    gateway: PairingGateway, engine: docker.APIClient
) -> None:
    token = gateway.env["OPENCLAW_GATEWAY_TOKEN"]

    answer = answer_to(token, gateway.env["PORT"])

    assert answer["ok"] is True, answer
    assert answer["payload"]["type"] == "hello-ok"

    [container] = containers_of(engine, gateway.id)
    read = engine.exec_create(container["Id"], ["cat", "/home/node/.openclaw/openclaw.json"])
    config = json.loads(engine.exec_start(read["Id"]))
    assert config["gateway"]["auth"]["token"] == token

    checks = eventually(lambda: finished_checks(gateway))
    assert [check["name"] for check in checks if check["state"] != "passed"] == []


def test_openclaw_runs_isolated_as_documented(
    gateway: PairingGateway, engine: docker.APIClient, deployments_dir: Path
) -> None:
    [container] = containers_of(engine, gateway.id)
    inspected = engine.inspect_container(container["Id"])
    host = inspected["HostConfig"]

    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Privileged"] is False
    assert (host["PidsLimit"], host["Memory"]) == (512, 2 * 1024**3)
    assert (host["PidMode"], host["IpcMode"], host["UTSMode"]) == ("", "private", "")
    assert list(inspected["NetworkSettings"]["Networks"]) == [f"{gateway.id}_default"]
    # The gateway sees only its own two folders of the host, and not the engine's socket.
    assert sorted(each["Source"] for each in inspected["Mounts"]) == [
        str(deployments_dir / gateway.id / name) for name in ("config", "workspace")
    ]
    # The limits inside the container, as the kernel reports them.
    asked = engine.exec_create(container["Id"], ["cat", "/proc/1/status", "/proc/self/status"])
    status = engine.exec_start(asked["Id"]).decode()
    assert set(re.findall(r"^Cap(?:Eff|Prm|Bnd):\s*(\w+)", status, re.M)) == {"0" * 16}
    assert set(re.findall(r"^NoNewPrivs:\s*(\d)", status, re.M)) == {"1"}
    assert set(re.findall(r"^Uid:\s*(.*)", status, re.M)) == {"\t".join(["1000"] * 4)}


def answer_to(token: str, port: str) -> dict[str, Any]:
    """Connect as a client without a device, and return the gateway's answer."""
    with connect(f"ws://127.0.0.1:{port}", proxy=None) as socket:
        assert json.loads(socket.recv(timeout=30))["event"] == "connect.challenge"
        socket.send(json.dumps(connect_request("1", token)))
        return dict(json.loads(socket.recv(timeout=30)))


def finished_checks(gateway: PairingGateway) -> list[dict[str, str]] | None:
    checks = gateway.api.status(gateway.id)["ladder"]
    return None if any(check["state"] == "pending" for check in checks) else checks


def test_a_browser_is_listed_approved_let_in_and_removed(gateway: PairingGateway) -> None:
    browser, other = gateway.browser(), gateway.browser()
    [own] = [each for each in gateway.devices()["paired"] if each["own"]]
    assert own["scopes"] == ["operator.pairing"]
    before = len(gateway.device_entries())

    asks = [browser.ask(), other.ask()]
    eventually(lambda: gateway.pending_ids() == asks)
    assert "2 devices ask" in gateway.api.page("/").text
    eventually(lambda: gateway.devices()["pending"][0]["browser"] == "Chrome on Linux")
    assert re.search(r"10\.9\.8\.7", gateway.page())

    assert gateway.answer("approve", request_id=asks[0]).json["status"] == "approved"
    assert gateway.answer("reject", request_id=asks[1]).json["status"] == "rejected"
    assert browser.knock()["ok"] is True

    used = gateway.answer("approve", request_id=asks[0])
    assert (used.status_code, used.json["code"]) == (404, "request_unknown")
    again = other.ask()
    assert again != asks[1]
    removed = gateway.answer("remove", device_id=browser.identity.id)
    assert removed.json["status"] == "removed"
    for request_id in (again, browser.ask()):
        gateway.answer("reject", request_id=request_id)
    assert [each["what"] for each in gateway.device_entries()[before:]] == [
        "approve_device",
        "reject_device",
        "remove_device",
        "reject_device",
        "reject_device",
    ]


def test_the_provider_check_runs_inside_openclaws_container(
    gateway: PairingGateway, provider: Provider
) -> None:
    provider.key = "sk-or-v1-another"
    config = gateway.folder / "config" / "openclaw.json"
    before = config.read_text()

    answer = check_provider(gateway.api, gateway.id)

    assert answer["code"] == "key_refused"
    assert answer["model"] == "openrouter/auto"
    assert provider.chats[-1].authorization == f"Bearer {API_KEY}"
    # A file that was written by hand, with JSON5 syntax.
    config.write_text(before.replace("{", "{ // ours", 1))
    assert check_provider(gateway.api, gateway.id)["remarks"] == []
    config.write_text(before)


def test_openclaw_accepts_an_origin_once_it_is_allowed(gateway: PairingGateway) -> None:
    browser = gateway.browser(name=NAME)
    assert browser.knock()["error"]["details"]["code"] == "CONTROL_UI_ORIGIN_NOT_ALLOWED"

    origin = f"http://{NAME}:{gateway.env['PORT']}"
    succeeded(gateway.api, gateway.id, "allow_origin", origin=origin)

    assert gateway.api.listed(gateway.id)["status"] == "running"
    gateway.answer("reject", request_id=browser.ask())
    assert gateway.browser(name="127.0.0.1").knock()["ok"] is True, "localhost stays allowed"


@pytest.mark.soak
def test_openclaws_own_command_pairs_us_where_local_pages_are_refused(
    tmp_path: Path, engine: docker.APIClient
) -> None:
    """The page shows requests even if a manual list of origins excludes 127.0.0.1."""
    deployments_dir = tmp_path / "deployments"
    deployments_dir.mkdir()
    try:
        gateway = PairingGateway(new_api(deployments_dir), deployments_dir)
        config = gateway.folder / "config" / "openclaw.json"
        shut_out = '"allowedOrigins": ["https://x.example"]'
        config.write_text(re.sub(r'"allowedOrigins": \[[^]]*\]', shut_out, config.read_text()))
        old = gateway.env["OPENCLAW_GATEWAY_TOKEN"]
        succeeded(gateway.api, gateway.id, "rotate_token")
        gateway.env = parse_env((gateway.folder / ".env").read_bytes())
        succeeded(gateway.api, gateway.id, "launch")
        refused = answer_to(old, gateway.env["PORT"])["error"]["details"]["code"]
        assert refused == "AUTH_TOKEN_MISMATCH"

        request_id = gateway.browser().ask()
        eventually(lambda: gateway.pending_ids() == [request_id], within=60)
        assert gateway.answer("approve", request_id=request_id).json["status"] == "approved"

        gateway.close_browsers()
        assert gateway.api.stop(gateway.id).json["status"] == "stopped"
        assert containers_of(engine, gateway.id) == []
        assert "[gateway]" in gateway.api.get(f"logs/{gateway.id}").json["logs"]
    finally:
        remove_everything_of(deployments_dir)
