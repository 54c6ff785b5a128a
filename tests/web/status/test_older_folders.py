"""Folders of the older server, and folders that people edited, work like any other folder."""

import os
import secrets
import shutil
from pathlib import Path

import pytest

from app import create_app
from app.config import Settings
from demo.cleaning import remove_everything_of
from tests.support.api import Api
from tests.support.engine.images import STANDIN
from tests.support.server import free_port

# The file as the older server wrote it.
COMPOSE_FILE = f"""
services:
  openclaw:
    image: {STANDIN}
    restart: unless-stopped
    environment:
      OPENCLAW_GATEWAY_TOKEN: ${{OPENCLAW_GATEWAY_TOKEN}}
    ports:
      - "${{PORT}}:18789"
    volumes:
      - ./config:/home/node/.openclaw
      - ./workspace:/home/node/.openclaw/workspace
"""


def older_folder(deployments_dir: Path, env: str, compose_file: str | None = COMPOSE_FILE) -> str:
    # A separate subnet, because other tests use this engine too.
    folder = deployments_dir / secrets.token_hex(5)
    for name in ("config", "workspace"):
        (folder / name).mkdir(parents=True)
    (folder / ".env").write_bytes(env.encode())
    if compose_file:
        (folder / "docker-compose.yml").write_text(compose_file)
    return folder.name


@pytest.mark.parametrize(
    "form",
    [
        "PORT={port}\nOPENCLAW_GATEWAY_TOKEN=older-token-1\n",
        "\ufeffexport PORT='{port}'\r\nOPENCLAW_GATEWAY_TOKEN=\"older-token-1\"\r\n",
        "# made by hand\nOPENCLAW_GATEWAY_TOKEN: older-token-1\nPORT: {port}",
    ],
)
def test_a_folder_of_an_older_version_is_listed_launched_and_stopped(
    api: Api, deployments_dir: Path, form: str
) -> None:
    port = free_port()
    deployment_id = older_folder(deployments_dir, form.format(port=port))
    listed = api.listed(deployment_id)
    assert (listed["status"], listed["port"]) == ("stopped", port)

    launched = api.launch(deployment_id)

    assert launched.json["status"] == "running", launched.text
    assert api.listed(deployment_id)["status"] == "running"
    assert api.stop(deployment_id).json["status"] == "stopped"


def test_a_running_gateway_whose_folder_moved_is_still_running(
    api: Api, deployments_dir: Path, tmp_path: Path
) -> None:
    deployment_id = api.configure()
    api.launch(deployment_id)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (deployments_dir / deployment_id).rename(elsewhere / deployment_id)
    moved = Api(create_app(Settings(deployments_dir=elsewhere, image=STANDIN)))

    try:
        listed = moved.listed(deployment_id)
        stopped = moved.stop(deployment_id)
    finally:
        remove_everything_of(elsewhere)

    assert listed["status"] == "running"
    assert str(deployments_dir) in listed["remark"]
    assert stopped.json["status"] == "stopped"
    assert api.get("list").json == []


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        (None, "no .env"),
        ("OPENCLAW_GATEWAY_TOKEN=a\n", "no PORT"),
        ("PORT=eighty\n", "no usable PORT"),
        ("PORT=0\n", "no usable PORT"),
        ("PORT='123\n", "not closed"),
        ("a b=c\n", "space"),
    ],
)
def test_a_malformed_folder_is_listed_with_the_reason(
    api: Api, deployments_dir: Path, env: str | None, reason: str
) -> None:
    deployment_id = older_folder(deployments_dir, env or "")
    if env is None:
        (deployments_dir / deployment_id / ".env").unlink()

    listed = api.listed(deployment_id)

    assert listed["status"] == "invalid"
    assert listed["port"] is None
    assert reason in listed["reason"]
    assert api.launch(deployment_id).json["code"] == "deployment_invalid"


def test_links_and_pipes_are_neither_followed_nor_waited_for(
    api: Api, deployments_dir: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("PORT=20000\nX=canary-93aa\n")
    linked_env = older_folder(deployments_dir, "")
    (deployments_dir / linked_env / ".env").unlink()
    (deployments_dir / linked_env / ".env").symlink_to(secret)
    (deployments_dir / "aaaaaaaaaa").symlink_to(tmp_path)
    (deployments_dir / "bbbbbbbbbb").mkdir()
    os.mkfifo(deployments_dir / "bbbbbbbbbb" / ".env")

    listed = {row["deployment_id"]: row for row in api.get("list").json}

    assert {row["status"] for row in listed.values()} == {"invalid"}
    assert "link" in listed[linked_env]["reason"]
    assert "link" in listed["aaaaaaaaaa"]["reason"]
    assert "no ordinary file" in listed["bbbbbbbbbb"]["reason"]
    assert "canary" not in str(listed)


def test_a_file_rewritten_in_place_and_a_folder_copied_in_are_noticed(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = older_folder(deployments_dir, "PORT=20001\n")
    assert api.listed(deployment_id)["port"] == 20001

    with (deployments_dir / deployment_id / ".env").open("r+") as env:
        env.write("PORT=20002")
    shutil.copytree(deployments_dir / deployment_id, deployments_dir / "cccccccccc")

    assert api.listed(deployment_id)["port"] == 20002
    assert api.listed("cccccccccc")["port"] == 20002


def test_other_folders_are_not_listed(api: Api, deployments_dir: Path) -> None:
    for name in (".new-0123456789", "notes", "0123456789ab", "ABCDEF0123", ".archive"):
        (deployments_dir / name).mkdir()
    (deployments_dir / "dddddddddd").write_text("a file")

    assert api.get("list").json == []
