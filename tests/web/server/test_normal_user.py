"""A user in the `docker` group can do everything; a user outside the group is told why not."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import PROJECT
from app.core.settings.compose_file import GATEWAY_UID
from app.core.settings.env_file import format_env, parse_env
from app.engine.client import engine_address
from demo.cleaning import remove_everything_of
from tests.support.api import API_KEY
from tests.support.engine.images import STANDIN
from tests.support.files.write_refusals import WriteRefusals, between
from tests.support.server import Server


def _unused_uid() -> int:
    """Return a user id that has no name and no groups on this machine."""
    known = {each.pw_uid for each in pwd.getpwall()}
    return next(uid for uid in range(1001, 65000) if uid not in known)


UID = _unused_uid()

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that any user can read, with this checkout, its Python and its packages."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    sources = {
        "project": PROJECT,
        "python": sys.base_prefix,
        "packages": sysconfig.get_path("purelib"),
    }
    for name, source in sources.items():
        (folder / name).mkdir()
        subprocess.run(["mount", "--bind", source, folder / name], check=True)
    for name in ("deployments", "home"):
        (folder / name).mkdir()
        os.chown(folder / name, UID, UID)
    yield folder
    remove_everything_of(folder / "deployments")
    for name in sources:
        subprocess.run(["umount", folder / name], check=True)
        (folder / name).rmdir()
    shutil.rmtree(folder)


def server_as_user(readable: Path, groups: str) -> Server:
    server = Server(readable / "deployments", readable / "server.log", image=STANDIN)
    python = readable / "python" / "bin" / f"python{sysconfig.get_python_version()}"
    user = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--inh-caps=-all", "--bounding-set=-all"]
    server.command = [*user, groups, python]
    server.project = readable / "project"
    server.variables = {
        "HOME": str(readable / "home"),
        "PYTHONPATH": str(readable / "packages"),
        "LD_LIBRARY_PATH": str(readable / "python" / "lib"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return server


@pytest.fixture
def member(readable: Path) -> Iterator[Server]:
    """A server that runs as a user in the engine's group."""
    group = os.stat(engine_address().removeprefix("unix://")).st_gid
    server = server_as_user(readable, f"--groups={group}")
    yield server.start()
    server.stop()


@pytest.fixture
def outsider(readable: Path) -> Iterator[Server]:
    server = server_as_user(readable, "--clear-groups")
    yield server.start()
    server.stop()


def test_the_whole_flow_works_for_a_member_of_the_docker_group(
    member: Server, readable: Path
) -> None:
    deployment_id = member.configure()
    folder = readable / "deployments" / deployment_id
    assert folder.stat().st_uid == UID

    launched = member.call("POST", "launch", {"deployment_id": deployment_id})

    assert launched[0] == 200, launched
    assert (folder / "config/openclaw.json").stat().st_uid == GATEWAY_UID
    assert member.call("GET", f"status/{deployment_id}")[1]["status"] == "running"
    assert "listening" in member.call("GET", f"logs/{deployment_id}")[1]["logs"]

    # After a launch, the user can't read the gateway's files, so the token is written through the
    # engine.
    env = parse_env((folder / ".env").read_bytes())
    (folder / ".env").write_text(format_env({**env, "OPENCLAW_GATEWAY_TOKEN": "b" * 40}))
    again = member.call("POST", "launch", {"deployment_id": deployment_id})

    assert again[0] == 200, again
    config = json.loads((folder / "config/openclaw.json").read_text())
    assert config["gateway"]["auth"]["token"] == "b" * 40
    checked = member.call("GET", f"token/{deployment_id}")[1]
    assert {each["place"]: each["match"] for each in checked["places"]}["config"] == "equal"
    assert config["gateway"]["mode"] == "local"
    assert (folder / "config/openclaw.json").stat().st_uid == GATEWAY_UID
    origin = f"http://gw.example:{env['PORT']}"
    allowed = member.call(
        "POST", "allow_origin", {"deployment_id": deployment_id, "origin": origin}
    )
    assert allowed[0] == 200, allowed
    config = json.loads((folder / "config/openclaw.json").read_text())
    assert origin in config["gateway"]["controlUi"]["allowedOrigins"]
    assert (folder / "config/openclaw.json").stat().st_uid == GATEWAY_UID
    assert list((folder / ".deploy-agent").glob("*staged*")) == []
    # The older image can't read the state, so image and state are rolled back through the engine.
    to = {"deployment_id": deployment_id, "image": "deploy-agent-standin:2026.8.2"}
    status, answer = member.call("POST", "update", to)
    assert (status, answer["code"]) == (502, "update_failed"), answer
    assert "with its state, was put back, and the gateway runs." in answer["detail"]
    assert json.loads((folder / "config/openclaw.json").read_text()) == config
    assert (folder / "config").stat().st_uid == GATEWAY_UID
    stopped = member.call("POST", "stop", {"deployment_id": deployment_id})
    assert stopped[1]["status"] == "stopped"

    # Another deployment takes the port before the restore. Afterwards the restored deployment is
    # purged.
    archived = member.call("POST", "archive", {"deployment_id": deployment_id})
    assert archived[1]["status"] == "archived", archived
    port = {"openrouter_api_key": API_KEY, "port": int(env["PORT"])}
    assert member.call("POST", "configure", port)[0] == 200
    restored = member.call("POST", "restore", {"deployment_id": deployment_id})
    assert len(restored[1]["remarks"]) == 1, restored
    config = (folder / "config/openclaw.json").read_text()
    assert f"http://localhost:{restored[1]['port']}" in config
    (folder / "config/closed").mkdir(mode=0o500)
    (folder / "config/closed/outside").symlink_to(readable / "project")
    os.chown(folder / "config/closed", GATEWAY_UID, GATEWAY_UID)
    assert member.call("POST", "archive", {"deployment_id": deployment_id})[0] == 200
    body = {"deployment_id": deployment_id, "confirm": deployment_id}
    assert member.call("POST", "purge", body)[1]["status"] == "purged"
    assert list((readable / "deployments/.archive").iterdir()) == []
    assert (PROJECT / "README.md").exists()


def test_without_write_access_every_verb_is_refused(member: Server, readable: Path) -> None:
    refusals = WriteRefusals(member.call)
    root = readable / "deployments"
    closed = between(["chmod", "-R", "u-w", root], ["chmod", "-R", "u+w", root])

    refusals.assert_refused_while(
        closed,
        root,
        "not_writable",
        "may not write to that folder. Give the user access to the deployments folder",
    )


def test_a_user_outside_the_group_learns_what_to_do(outsider: Server) -> None:
    deployment_id = outsider.configure()

    status, answer = outsider.call("POST", "launch", {"deployment_id": deployment_id})

    assert status == 503
    assert answer["code"] == "engine_denied"
    assert "docker group" in answer["detail"].replace("docker\n", "docker ")
    assert outsider.call("GET", "list")[1][0]["status"] == "unknown"
    findings = {each["code"]: each for each in outsider.call("GET", "doctor")[1]["findings"]}
    assert (findings["socket"]["verdict"], findings["owners"]["verdict"]) == ("bad", "good")
    assert f"usermod -aG docker {UID}" in findings["socket"]["fix"]
