"""The whole flow on the real OpenClaw gateway, to the word that it accepts the token."""

import json
from pathlib import Path

import docker
from websockets.sync.client import connect

from app import create_app
from app.config import Settings
from app.core.envfile import parse_env
from app.engine.probe import connect_request
from tests.api import Api
from tests.waiting import eventually
from tests.web.test_launch import containers_of


def test_configure_launch_connect_compare_and_stop(
    engine: docker.APIClient, deployments_dir: Path
) -> None:
    api = Api(create_app(Settings(deployments_dir=deployments_dir)))
    deployment_id = api.configure(name="The real one")
    env = parse_env((deployments_dir / deployment_id / ".env").read_bytes())

    launched = api.launch(deployment_id)

    assert launched.status_code == 200, launched.text
    assert launched.json["status"] == "running"
    with connect(f"ws://127.0.0.1:{env['PORT']}", proxy=None) as socket:
        assert json.loads(socket.recv(timeout=10))["event"] == "connect.challenge"
        socket.send(json.dumps(connect_request("1", env["OPENCLAW_GATEWAY_TOKEN"])))
        answer = json.loads(socket.recv(timeout=10))
    assert answer["ok"] is True, answer
    assert answer["payload"]["type"] == "hello-ok"

    [container] = containers_of(engine, deployment_id)
    read = engine.exec_create(container["Id"], ["cat", "/home/node/.openclaw/openclaw.json"])
    config = json.loads(engine.exec_start(read["Id"]))
    assert config["gateway"]["auth"]["token"] == env["OPENCLAW_GATEWAY_TOKEN"]

    ladder = eventually(lambda: _climbed(api, deployment_id))
    assert [rung["name"] for rung in ladder if rung["state"] != "passed"] == []

    assert api.stop(deployment_id).json["status"] == "stopped"
    assert containers_of(engine, deployment_id) == []
    assert "[gateway]" in api.get(f"logs/{deployment_id}").json["logs"]


def _climbed(api: Api, deployment_id: str) -> list[dict[str, str]] | None:
    ladder = api.status(deployment_id)["ladder"]
    return None if any(rung["state"] == "pending" for rung in ladder) else ladder
