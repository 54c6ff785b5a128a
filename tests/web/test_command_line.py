"""The command line: the same users as on the page; passwords never in arguments."""

import subprocess
import sys
from pathlib import Path

from app.config import PROJECT
from tests.api import API_KEY
from tests.server import Server
from tests.waiting import eventually


def deploy_agent(server: Server, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        cwd=PROJECT,
        env=server.environment(),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def test_users_and_tokens_are_managed_while_the_server_runs(server: Server) -> None:
    server.start()
    assert server.call("GET", "list")[0] == 200

    added = deploy_agent(server, "user", "add", "ana", typed="a long password\n")
    assert (added.returncode, added.stdout) == (0, "ana was added as operator.\n")
    assert server.call("GET", "list")[0] == 401

    made = deploy_agent(server, "token", "add", "backup", "--role", "operator")
    server.token = made.stdout.strip()
    assert server.call("GET", "list")[0] == 200
    assert server.call("POST", "configure", {"openrouter_api_key": API_KEY})[0] == 200

    assert deploy_agent(server, "user", "list").stdout == "ana\toperator\n"
    changed = deploy_agent(server, "user", "passwd", "ana", typed="another password\n")
    assert changed.returncode == 0
    assert deploy_agent(server, "user", "remove", "ana").returncode == 0
    server.token = ""
    assert server.call("GET", "list")[0] == 200


def test_deployments_are_archived_restored_and_purged_while_the_server_runs(
    server: Server, deployments_dir: Path
) -> None:
    server.start()
    body = {"openrouter_api_key": API_KEY, "name": "Support bot"}
    deployment_id = server.call("POST", "configure", body)[1]["deployment_id"]

    restarted = deploy_agent(server, "restart", deployment_id)
    assert restarted.stdout == f"{deployment_id} is running.\n", restarted.stderr
    assert server.call("GET", f"status/{deployment_id}")[1]["status"] == "running"
    archived = deploy_agent(server, "archive", deployment_id)
    assert archived.stdout == f"{deployment_id} is archived.\n", archived.stderr
    assert server.call("GET", "list")[1] == []
    assert "Support bot\t" in deploy_agent(server, "archived").stdout
    assert "is back, with port" in deploy_agent(server, "restore", deployment_id).stdout
    assert server.call("GET", "list")[1][0]["status"] == "stopped"

    # Moved there by hand it is archived all the same.
    moved = deployments_dir / ".archive" / f"{deployment_id}-20261124T093125Z"
    (deployments_dir / deployment_id).rename(moved)
    wrong = deploy_agent(server, "purge", deployment_id, "--confirm", "Support")
    right = deploy_agent(server, "purge", deployment_id, typed="Support bot\n")

    assert (wrong.returncode, right.returncode) == (2, 0)
    assert "written exactly so" in wrong.stderr
    assert "was deleted for good" in right.stdout
    assert server.call("GET", "archived")[1] == []
    assert not moved.exists()


def test_what_is_refused_is_told_with_an_exit_code(server: Server) -> None:
    short = deploy_agent(server, "user", "add", "ana", typed="short\n")
    unknown = deploy_agent(server, "user", "remove", "nobody")

    assert short.returncode == 2
    assert "at least 10 characters" in short.stderr
    assert unknown.returncode == 3
    assert "no user" in unknown.stderr


def test_on_all_addresses_nobody_gets_in_without_the_printed_link(server: Server) -> None:
    server.settings["host"] = "0.0.0.0"
    server.ready_status = 401
    server.start()

    log = eventually(lambda: "/setup/" in server.log.read_text() and server.log.read_text())

    assert server.call("GET", "list")[0] == 401
    assert "Make the first one, within 30 minutes" in log


def test_an_address_past_the_settings_is_no_way_around(
    server: Server, deployments_dir: Path
) -> None:
    server.ready_status = 401
    server.start("-b", f"0.0.0.0:{server.port}")

    assert server.call("GET", "list")[0] == 401
    assert server.call("POST", "configure", {"openrouter_api_key": API_KEY})[0] == 401
    assert [each.name for each in deployments_dir.iterdir()] == [".deploy-agent"]
