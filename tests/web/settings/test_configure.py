"""Configure makes a complete folder with an unused port. Compose and the gateway can read it."""

import json
import os
import socket
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from app.config import PROJECT
from app.core.settings.compose_file import GATEWAY_UID
from app.core.settings.env_file import parse_env
from tests.support.api import API_KEY, Api
from tests.support.engine.images import STANDIN
from tests.support.server import Server, free_port


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_has_everything_that_the_gateway_needs(api: Api, deployments_dir: Path) -> None:
    answer = api.post(
        "configure",
        {"openrouter_api_key": API_KEY, "name": "Büro's $HOME #1", "model": "openrouter/auto"},
    )

    assert answer.json["ok"] is True
    assert answer.json["status"] == "configured"
    folder = deployments_dir / answer.json["deployment_id"]
    env = parse_env((folder / ".env").read_bytes())
    assert env["PORT"] == str(answer.json["port"])
    assert env["OPENROUTER_API_KEY"] == API_KEY
    assert env["DEPLOYMENT_NAME"] == "Büro's $HOME #1"
    assert env["OPENCLAW_IMAGE"] == STANDIN
    assert len(env["OPENCLAW_GATEWAY_TOKEN"]) == 64
    assert mode(folder / ".env") == 0o600
    assert mode(folder / ".deploy-agent") == 0o700
    config = json.loads((folder / "config/openclaw.json").read_text())
    assert config["gateway"]["auth"]["token"] == env["OPENCLAW_GATEWAY_TOKEN"]
    assert f"http://localhost:{env['PORT']}" in config["gateway"]["controlUi"]["allowedOrigins"]
    assert config["plugins"]["entries"]["perplexity"]["enabled"] is False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")
def test_the_gateway_owns_its_data_folders(api: Api, deployments_dir: Path) -> None:
    folder = deployments_dir / api.configure()

    for path in ("config", "config/openclaw.json", "config/workspace", "workspace"):
        assert (folder / path).stat().st_uid == GATEWAY_UID, path
    assert mode(folder / "config") == 0o700
    assert mode(folder / "config/openclaw.json") == 0o600
    assert (folder / ".env").stat().st_uid == 0


def test_two_deployments_share_neither_token_nor_port_nor_network(
    api: Api, deployments_dir: Path
) -> None:
    folders = [deployments_dir / api.configure() for _ in range(2)]

    first, second = (parse_env((folder / ".env").read_bytes()) for folder in folders)
    assert first["OPENCLAW_GATEWAY_TOKEN"] != second["OPENCLAW_GATEWAY_TOKEN"]
    assert first["PORT"] != second["PORT"]
    networks = {
        line.strip()
        for folder in folders
        for line in (folder / "docker-compose.yml").read_text().splitlines()
        if "subnet:" in line
    }
    assert len(networks) == 2


def test_twenty_concurrent_configures_on_two_servers_get_twenty_ports(
    server: Server, deployments_dir: Path, tmp_path: Path
) -> None:
    # Only a few spare ports, so that a port is soon assigned twice if servers race.
    low = 21000
    server.settings["port_range"] = f"{low}-{low + 24}"
    other = Server(deployments_dir, tmp_path / "other.log", port_range=f"{low}-{low + 24}")
    server.start()
    other.start()

    def configure(number: int) -> tuple[int, dict[str, object]]:
        at = server if number % 2 else other
        return at.call("POST", "configure", {"openrouter_api_key": API_KEY})

    try:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(configure, range(20)))
    finally:
        other.stop()

    assert [status for status, _ in answers] == [200] * 20
    assert len({answer["port"] for _, answer in answers}) == 20
    assert len({answer["deployment_id"] for _, answer in answers}) == 20


def test_a_port_of_another_deployment_is_rejected_naming_it(api: Api) -> None:
    taken = api.listed(api.configure(name="Support bot"))["port"]

    answer = api.post("configure", {"openrouter_api_key": API_KEY, "port": taken})

    assert answer.status_code == 422
    assert "Support bot" in answer.json["errors"][0]["message"]


def test_a_port_of_another_container_is_rejected_naming_it(
    api: Api, engine: docker.APIClient
) -> None:
    port = free_port()
    container = engine.create_container(
        STANDIN,
        host_config=engine.create_host_config(port_bindings={80: port}),
        ports=[80],
        environment={"OPENCLAW_GATEWAY_TOKEN": "other"},
    )
    try:
        engine.start(container)
        name = engine.inspect_container(container)["Name"].lstrip("/")
        answer = api.post("configure", {"openrouter_api_key": API_KEY, "port": port})
    finally:
        engine.remove_container(container, force=True)

    assert answer.status_code == 422
    assert name in answer.json["errors"][0]["message"]


def test_a_port_of_another_program_is_rejected(api: Api) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answer = api.post("configure", {"openrouter_api_key": API_KEY, "port": port})

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "port"
    assert "taken by" in answer.json["errors"][0]["message"]


def test_a_requested_port_is_used(api: Api) -> None:
    port = free_port()

    deployment_id = api.configure(port=port)

    assert api.listed(deployment_id)["port"] == port


def test_configuring_leaves_the_checkout_clean() -> None:
    ignored = subprocess.run(
        ["git", "check-ignore", "-q", "deployments/0b7a3361be/.env"], cwd=PROJECT, check=False
    )

    assert ignored.returncode == 0
