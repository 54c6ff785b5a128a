"""The doctor on a real host finds staged problems, and its fix commands repair them."""

import fcntl
import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli.main import main
from app.core.settings.compose_file import GATEWAY_UID
from app.core.settings.env_file import with_value
from tests.support.api import API_KEY, Api
from tests.support.engine.gate import LEAVES_SOCKETS, EngineGate
from tests.support.engine.images import STANDIN
from tests.support.waiting import eventually

WEAK = "hunter2hunter2"
pytestmark = LEAVES_SOCKETS


def found(api: Api) -> dict[str, dict[str, Any]]:
    """Return the findings by code. Repeat until every check finishes in time on a busy machine."""

    def all_told() -> dict[str, dict[str, Any]] | None:
        answer = api.get("doctor")
        assert answer.status_code == 200, answer.text
        findings = {each["code"]: each for each in answer.json["findings"]}
        return None if any(map(was_late, findings.values())) else findings

    return eventually(all_told)


def was_late(finding: dict[str, Any]) -> bool:
    return finding["seen"].startswith(("No answer within", "Docker Engine did not answer"))


def verdicts(api: Api, *codes: str) -> dict[str, str]:
    findings = found(api)
    return {code: findings[code]["verdict"] for code in codes}


def paste(line: str) -> None:
    """Run a fix command in a shell, as a person does."""
    done = subprocess.run(
        ["bash", "-c", line], cwd="/", capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def command_line(monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[int, dict[str, Any]]:
    """Run `doctor --json`, and return its exit code and output."""
    monkeypatch.setenv("DEPLOY_AGENT_DEPLOYMENTS_DIR", str(folder))
    monkeypatch.setenv("DEPLOY_AGENT_IMAGE", STANDIN)
    ended = CliRunner().invoke(main, ["doctor", "--json"])
    return ended.exit_code, json.loads(ended.stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_the_fix_lines_repair_a_tampered_folder(
    api: Api, deployments_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clean = ("modes", "owners", "links", "foreign", "operations", "images", "image")
    first, second = api.configure(name="Sales"), api.configure()
    assert set(verdicts(api, *clean).values()) == {"good"}
    assert command_line(monkeypatch, deployments_dir)[0] == 0

    (deployments_dir / first / ".env").chmod(0o644)
    (deployments_dir / first / "workspace/in/depth").mkdir(parents=True)
    os.chown(deployments_dir / first / "workspace/in", GATEWAY_UID, GATEWAY_UID)
    (deployments_dir / second / ".env").rename(tmp_path / "settings")
    (deployments_dir / second / ".env").symlink_to(tmp_path / "settings")
    (deployments_dir / "My 'bot").mkdir()
    for name in (".env", "docker-compose.yml"):
        (deployments_dir / "My 'bot" / name).touch(0o600)
    (deployments_dir / "notes <b>.txt").write_text("")
    api.configure(image="registry.example/no/such:1")
    lock = os.open(deployments_dir / second, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    holder = subprocess.Popen(["sleep", "300"], pass_fds=[lock])
    os.close(lock)
    try:
        findings = found(api)
        assert verdicts(api, *clean) == {
            "modes": "bad",
            "owners": "bad",
            "links": "bad",
            "foreign": "warning",
            "operations": "bad",
            "images": "warning",
            "image": "good",
        }
        assert findings["operations"]["fix"] == f"kill {holder.pid}"
        assert f"{first}/workspace/in/depth is root's." in findings["owners"]["seen"]
        assert findings["images"]["fix"] == "docker pull registry.example/no/such:1"
        code, answer = command_line(monkeypatch, deployments_dir)
        assert (code, answer["ok"]) == (1, True)
        page = api.page("/doctor").text
        assert "notes &lt;b&gt;.txt" in page
        for secret in (API_KEY, (tmp_path / "settings").read_text().split("TOKEN=")[1][:64]):
            assert secret not in page

        for code in ("modes", "owners", "links", "operations", "foreign"):
            paste(findings[code]["fix"])
        paste(found(api)["foreign"]["fix"])
        holder.wait(10)
    finally:
        holder.kill()
        holder.wait()

    fixed = verdicts(api, "modes", "owners", "links", "foreign", "operations")
    assert set(fixed.values()) == {"good"}
    assert len(api.get("list").json) == 4, "the foreign folder is now named by an id"
    assert (deployments_dir / second / ".env").is_file()
    assert (deployments_dir / second / ".env").read_bytes() == (tmp_path / "settings").read_bytes()


def test_running_gateways_are_checked_for_memory_port_token_and_policy(
    api: Api, deployments_dir: Path
) -> None:
    running, resting = api.configure(name="Sales"), api.configure(name="Night")
    env = deployments_dir / running / ".env"
    env.write_bytes(with_value(env.read_bytes(), "OPENCLAW_GATEWAY_TOKEN", WEAK))
    assert api.launch(running).status_code == 200
    container = api.status(running)["containers"][0]["name"]
    paste(f"docker update --restart no {container}")

    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("", api.status(resting)["port"]))
        other.listen()
        findings = found(api)
        assert findings["ports"]["verdict"] == "bad"
        assert f" of Night ({resting})" in findings["ports"]["seen"]
        paste(findings["ports"]["fix"])

    assert "1 running gateway uses" in findings["memory"]["seen"]
    assert f"Sales ({running}) with" in findings["gateway_memory"]["seen"]
    assert findings["gateways_reach"]["verdict"] == "bad"
    assert WEAK not in json.dumps(findings)
    assert findings["networks"]["verdict"] == "good"
    assert findings["boot"]["verdict"] == "warning"
    paste(findings["boot"]["fix"])
    assert verdicts(api, "boot", "ports")["boot"] != "warning"
    assert verdicts(api, "ports") == {"ports": "good"}
    assert api.listed(running)["status"] == "running"


def test_a_hanging_engine_does_not_delay_other_checks(
    gate: EngineGate, deployments_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_AGENT_ENGINE_TIMEOUT", "9")
    of_the_engine = {
        "limits",
        "stranded",
        "engine_tcp",
        "image",
        "boot",
        "disk_engine",
        "gateway_memory",
    }
    beside_it = {"socket", "disk", "memory", "networks", "modes", "links", "foreign", "operations"}

    def findings_beside(missing: set[str]) -> tuple[int, dict[str, dict[str, Any]]] | None:
        """Return exit code and findings, or None if a check beyond `missing` was late."""
        code, answer = command_line(monkeypatch, deployments_dir)
        findings = {each["code"]: each for each in answer["findings"]}
        late = {each for each in findings.keys() - missing if "No answer" in findings[each]["seen"]}
        return None if late else (code, findings)

    for trouble, words in ((gate.hold, "does not answer them"), (gate.shut, "Nothing answers")):
        trouble()
        code, findings = eventually(lambda: findings_beside(of_the_engine))

        assert code == 1
        assert findings["engine"]["verdict"] == "bad"
        assert words in findings["engine"]["seen"]
        assert {findings[each]["verdict"] for each in of_the_engine} == {"not known"}
        if trouble == gate.hold:
            assert "not known" not in {findings[each]["verdict"] for each in beside_it}


def test_the_command_tells_people_what_to_do(
    deployments_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployments_dir.chmod(0o777)
    monkeypatch.setenv("DEPLOY_AGENT_DEPLOYMENTS_DIR", str(deployments_dir))

    ended = CliRunner().invoke(main, ["doctor"])

    assert ended.exit_code == 1
    assert "[bad] Who can read the secrets: " in ended.stdout
    assert f"$ chmod go-w {deployments_dir}\n" in ended.stdout
