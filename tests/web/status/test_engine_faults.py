"""Each fault of a real engine is shown correctly. After the fault, Deploy Agent recovers."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import create_app
from app.config import Settings
from tests.support.api import Api
from tests.support.engine.gate import LEAVES_SOCKETS, EngineGate
from tests.support.engine.own_engine import OwnEngine, running_engine
from tests.support.server import Server
from tests.support.status.failure_scenario import run_as_printed
from tests.support.waiting import eventually

pytestmark = [*LEAVES_SOCKETS, pytest.mark.usefixtures("own_engine")]

_STANDIN = "deploy-agent-standin"


@pytest.fixture
def faulty(own_engine: OwnEngine, settings: Settings) -> Api:
    """The API on the engine that the tests harm."""
    return Api(create_app(settings))


def entry(api: Api, deployment_id: str, status: str, within: float = 60) -> dict[str, Any]:
    """Wait until a deployment is listed with this status, and return its entry."""

    def look() -> dict[str, Any] | None:
        found = api.listed(deployment_id)
        return found if found["status"] == status else None

    return eventually(look, within=within)  # type: ignore[return-value]


def come_back(engine: OwnEngine) -> None:
    engine.thaw()
    engine.start()


@pytest.mark.parametrize(
    ("harm", "words", "code", "status"),
    [
        (OwnEngine.freeze, "Docker Engine has not answered in time", "engine_silent", 504),
        (OwnEngine.kill, "Nothing answers at Docker Engine's address", "engine_unreachable", 503),
    ],
    ids=["frozen", "killed"],
)
def test_a_failed_engine_shows_the_last_known_status_and_recovers(
    faulty: Api,
    own_engine: OwnEngine,
    harm: Callable[[OwnEngine], None],
    words: str,
    code: str,
    status: int,
) -> None:
    deployment_id = faulty.configure()
    own_engine.docker("run", "-d", *_labelled(deployment_id))
    entry(faulty, deployment_id, "running")

    harm(own_engine)

    reason = entry(faulty, deployment_id, "unknown")["reason"]
    assert reason.startswith(words)
    assert re.search(r"; last seen running at \d\d:\d\d:\d\d UTC, (just now|.+ ago)$", reason)
    for page in ("/", f"/deployments/{deployment_id}", f"/deployments/{deployment_id}/edit"):
        assert faulty.page(page).status_code == 200
    assert words.replace("'", "&#39;") in faulty.page("/").text
    for refused in (faulty.launch(deployment_id), faulty.stop(deployment_id)):
        assert (refused.status_code, refused.json["code"]) == (status, code)
        assert refused.json["detail"].endswith(".")
    assert faulty.status(deployment_id)["operation"] is None

    come_back(own_engine)

    eventually(lambda: faulty.listed(deployment_id)["status"] != "unknown")


def _labelled(deployment_id: str) -> tuple[str, ...]:
    """Return `docker run` arguments for a container with Compose's labels."""
    return (
        "--label=com.docker.compose.project=" + deployment_id,
        "--label=com.docker.compose.service=openclaw",
        "--env=OPENCLAW_GATEWAY_TOKEN=a",
        "--no-healthcheck",
        "--restart=always",
        f"{_STANDIN}:latest",
    )


@pytest.mark.parametrize(
    ("plugin", "code"),
    [
        (None, "compose_missing"),
        ('echo "unknown flag: --project-name" >&2; exit 1', "compose_too_old"),
    ],
    ids=["gone", "too-old"],
)
@pytest.mark.soak
def test_without_a_usable_compose_a_launch_says_so(
    server: Server, own_engine: OwnEngine, tmp_path: Path, plugin: str | None, code: str
) -> None:
    folder = Path("/usr/local/lib/docker/cli-plugins")
    if not folder.is_dir():
        pytest.skip("Compose is somewhere else on this machine")
    theirs = tmp_path / "plugins"
    theirs.mkdir()
    if plugin:
        metadata = '{"SchemaVersion":"0.1.0","Vendor":"Docker Inc.","Version":"v2.0.1"}'
        fake = theirs / "docker-compose"
        fake.write_text(
            f"#!/bin/sh\ncase $1 in docker-cli-plugin-metadata) echo '{metadata}'; exit;; esac\n"
            f"{plugin}\n"
        )
        fake.chmod(0o755)
    hidden = f'mount --bind {theirs} {folder} && exec "$@"'
    server.command = ("unshare", "--mount", "sh", "-c", hidden, "sh", sys.executable)
    server.start()
    deployment_id = server.configure()

    status, answer = server.call("POST", "launch", {"deployment_id": deployment_id})

    assert (status, answer["code"]) == (502, "launch_failed")
    operation = server.call("GET", f"operations/{deployment_id}/1")[1]
    assert operation["code"] == code, operation


def failed_launch(api: Api, **fields: Any) -> dict[str, Any]:
    """Return the operation of a launch that failed."""
    deployment_id = api.configure(**fields)
    answer = api.launch(deployment_id)
    assert answer.status_code == 502, answer.text
    assert answer.json["code"] == "launch_failed"
    status = entry(api, deployment_id, "failed")
    assert status["reason"]
    operation = api.get(f"operations/{deployment_id}/1").json
    # The page shows the same reason.
    page = api.page(f"/deployments/{deployment_id}").text
    assert operation["reason"][:30].replace("'", "&#39;") in page
    return dict(operation)


@pytest.mark.soak
def test_an_engine_that_dies_during_a_launch_fails_it_and_the_next_succeeds(
    faulty: Api, own_engine: OwnEngine, deployments_dir: Path
) -> None:
    deployment_id = faulty.configure()
    # Kill the engine while it still works on Compose's requests.
    faulty.launch(deployment_id, wait=False)
    log = deployments_dir / deployment_id / ".deploy-agent" / "operations" / "1" / "log"
    eventually(lambda: log.exists() and "docker compose up -d" in log.read_text())

    own_engine.kill()

    ended = eventually(lambda: _ended(faulty, deployment_id, 1))
    assert ended["state"] == "failed"
    assert ended["code"] == "engine_unreachable", ended
    assert entry(faulty, deployment_id, "unknown")

    own_engine.start()

    eventually(lambda: faulty.listed(deployment_id)["status"] != "unknown", within=5)
    assert faulty.launch(deployment_id).status_code == 200


def _ended(api: Api, deployment_id: str, number: int) -> dict[str, Any] | None:
    operation = api.get(f"operations/{deployment_id}/{number}").json
    return None if operation["state"] == "running" else operation


@pytest.mark.soak
@pytest.mark.parametrize("options", [(), ("--live-restore",)], ids=["", "live-restore"])
@pytest.mark.parametrize("end", [OwnEngine.stop, OwnEngine.kill], ids=["stopped", "killed"])
def test_a_gateway_is_running_again_after_the_engine(
    faulty: Api,
    own_engine: OwnEngine,
    end: Callable[[OwnEngine], None],
    options: tuple[str, ...],
) -> None:
    own_engine.stop()
    own_engine.start(*options)
    deployment_id = faulty.configure()
    assert faulty.launch(deployment_id).status_code == 200

    end(own_engine)
    reason = entry(faulty, deployment_id, "unknown")["reason"]
    assert "last seen running" in reason
    own_engine.start(*options)

    eventually(lambda: faulty.listed(deployment_id)["status"] != "unknown", within=5)
    # The status is `running` only after a health check passed. Checks run every 30 s, and on a busy
    # host the first one may fail.
    entry(faulty, deployment_id, "running", within=150)
    own_engine.stop()
    own_engine.start()


@pytest.mark.soak
def test_a_slow_engine_is_unknown_until_it_has_answered(
    settings: Settings, own_engine: OwnEngine, gate: EngineGate
) -> None:
    own_engine.docker("run", "-d", *_labelled("aaaaaaaaaa"))
    gate.slow(10)
    api = Api(create_app(settings))
    deployment_id = api.configure()

    entry(api, deployment_id, "unknown")
    for page in ("/", f"/deployments/{deployment_id}", "/doctor", "/stranded"):
        assert api.page(page).status_code == 200
    assert "has not answered in time" in api.status(deployment_id)["reason"]
    gate.slow(0)

    entry(api, deployment_id, "configured", within=15)


@pytest.mark.soak
def test_a_full_disk_of_the_engine_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_engine(megabytes=400) as small, full_disk_of(small):
        monkeypatch.setenv("DOCKER_HOST", small.address)
        api = Api(create_app(settings))

        ended = failed_launch(api)

        assert ended["code"] == "disk_full", ended


@contextmanager
def full_disk_of(engine: OwnEngine) -> Iterator[None]:
    ballast = engine.data / "ballast"
    with ballast.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(1024 * 1024))
            file.flush()
    yield
    ballast.unlink()


@pytest.mark.soak
def test_exhausted_networks_are_named_and_the_fix_line_frees_some(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The pool has two networks: docker0 uses one, and the network `unused` uses the other.
    with running_engine("--default-address-pool=base=172.30.0.0/23,size=24") as small:
        small.docker("network", "create", "unused")
        monkeypatch.setenv("DOCKER_HOST", small.address)
        api = Api(create_app(settings))
        deployment_id = api.configure()
        older = settings.deployments_dir / deployment_id / "docker-compose.yml"
        whole = yaml.safe_load(older.read_text())
        whole.pop("networks")
        for service in whole["services"].values():
            service.pop("networks", None)
        older.write_text(yaml.safe_dump(whole))

        api.launch(deployment_id)

        ended = api.get(f"operations/{deployment_id}/1").json
        assert ended["code"] == "networks_exhausted"
        assert ended["fix"].startswith(f"DOCKER_HOST={small.address} "), "no other engine's"
        run_as_printed(ended["fix"])
        assert api.listed(deployment_id)["status"] == "running"


@pytest.mark.soak
def test_after_a_reboot_all_gateways_are_launching_and_none_has_failed(
    faulty: Api, own_engine: OwnEngine, deployments_dir: Path
) -> None:
    ids = [faulty.configure() for _ in range(15)]
    for deployment_id in ids:
        assert faulty.launch(deployment_id).status_code == 200
    for number, deployment_id in enumerate(ids):
        seconds = 8 + number * 22 // 14
        fault = deployments_dir / deployment_id / "config/standin-fault"
        fault.write_text(f"slow-start:{seconds}")
    own_engine.lose_power()
    eventually(lambda: _statuses(faulty) == {"unknown": 15})

    own_engine.start()

    seen: list[Counter[str]] = []
    said: set[str] = set()

    def all_run() -> bool:
        before, words, after = _statuses(faulty), _starting(faulty), _statuses(faulty)
        seen.extend((before, after))
        if not (before["unknown"] or after["unknown"]):
            numbers = sorted((before["launching"], after["launching"]))
            assert words in {_words(number) for number in range(numbers[0], numbers[1] + 1)}
            said.add(words)
        return after == {"running": 15}

    eventually(all_run, within=180)
    assert {status for each in seen for status in each} <= {"unknown", "launching", "running"}
    assert "15 of 15 starting" in said
    assert len(said) > 2
    eventually(lambda: _starting(faulty) == "")


def _words(number: int) -> str:
    return f"{number} of 15 starting" if number else ""


def _starting(api: Api) -> str:
    """Return the number of starting gateways that the list's page shows."""
    [words] = re.findall(r'id="starting"[^>]*>([^<]*)<', api.page("/").text)
    return str(words)


def _statuses(api: Api) -> Counter[str]:
    rows = api.get("list").json
    assert all(row["reason"].startswith("up ") for row in rows if row["status"] == "launching")
    return Counter(row["status"] for row in rows)
