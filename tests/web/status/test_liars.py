"""No gateway that Docker calls healthy is `running` 15 s after it stopped working."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.support.api import API_KEY
from tests.support.command_line import CommandLine
from tests.support.engine.images import STANDIN
from tests.support.server import Server
from tests.support.streams import Stream
from tests.support.waiting import eventually

# The documented limit is 15 s, but a busy machine may take longer.
SOON = 45


class Seen:
    """A deployment as a server shows it in list, page, API and streams."""

    def __init__(self, server: Server, deployment_id: str, pages: ExitStack) -> None:
        self.server, self.id = server, deployment_id
        self.list = pages.enter_context(Stream(server, "/stream"))
        self.page = pages.enter_context(Stream(server, f"/deployments/{deployment_id}/stream"))

    @property
    def listed(self) -> dict[str, Any]:
        _, rows = self.server.call("GET", "list")
        return next(row for row in rows if row["deployment_id"] == self.id)

    @property
    def status(self) -> dict[str, Any]:
        return dict(self.server.call("GET", f"status/{self.id}")[1])

    def reads(self, status: str, words: str) -> None:
        """Wait until list, page and API show this status, with this text in the reason."""
        eventually(lambda: _says(self.listed, status, words), within=SOON)
        assert _says(self.status, status, words)
        for stream, part in ((self.list, f"row-{self.id}"), (self.page, "head")):
            eventually(lambda: _shows(_latest(stream, part), status, words))  # noqa: B023


def _says(shown: dict[str, Any], status: str, words: str) -> bool:
    return shown["status"] == status and words in shown["reason"]


def _shows(html: str, status: str, words: str) -> bool:
    return f'data-status="{status}"' in html and words in html


def _latest(stream: Stream, part: str) -> str:
    """Return the latest HTML of a part of a page. A list's stream sends the whole list first."""
    parts = stream.parts(part) or [
        row
        for html in stream.parts("results")
        for row in re.findall(r"<tr .*?</tr>", html, re.S)
        if f'id="{part}"' in row
    ]
    return parts[-1] if parts else ""


def configured(server: Server) -> tuple[str, int]:
    status, made = server.call("POST", "configure", {"openrouter_api_key": API_KEY})
    assert status == 200
    return made["deployment_id"], made["port"]


_NOT_ASKED = {"test": ["NONE"]}
_ASKED_LATE = {"test": ["CMD", "true"], "interval": 3600 * 10**9}


def run_by_hand(
    engine: docker.APIClient,
    deployment_id: str,
    port: int,
    token: str,
    healthcheck: dict[str, Any] = _NOT_ASKED,
) -> str:
    """Start a gateway without Compose, which is faster. Docker runs no useful health check."""
    container = engine.create_container(
        STANDIN,
        labels={
            "com.docker.compose.project": deployment_id,
            "com.docker.compose.service": "openclaw",
        },
        environment={"OPENCLAW_GATEWAY_TOKEN": token},
        healthcheck=healthcheck,
        ports=[18789],
        host_config=engine.create_host_config(port_bindings={18789: ("127.0.0.1", port)}),
    )
    engine.start(container)
    return str(container["Id"])


def token_of(deployments_dir: Path, deployment_id: str) -> str:
    env = (deployments_dir / deployment_id / ".env").read_text()
    return re.search(r"(?m)^OPENCLAW_GATEWAY_TOKEN=(.*)$", env)[1]  # type: ignore[index]


def rung_of(shown: dict[str, Any]) -> str:
    """Return the first failed readiness check, as the API shows it."""
    return next((each["name"] for each in shown["ladder"] if each["state"] == "failed"), "")


@pytest.fixture
def impatient(server: Server) -> Server:
    """A server with a launch timeout of 1 s. Then an unlaunched container counts as started."""
    server.settings["launch_timeout"] = 1
    return server.start()


def test_a_working_gateway_is_running_everywhere_before_dockers_health_check(
    server: Server, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id, port = configured(server.start())
    token = token_of(deployments_dir, deployment_id)
    run_by_hand(engine, deployment_id, port, token, _ASKED_LATE)

    with ExitStack() as pages:
        Seen(server, deployment_id, pages).reads("running", "it answers and accepts its token")


def test_a_gateway_that_refuses_the_token_is_unhealthy_everywhere(
    impatient: Server, engine: docker.APIClient, cli: CommandLine
) -> None:
    deployment_id, port = configured(impatient)
    run_by_hand(engine, deployment_id, port, "another")
    with ExitStack() as pages:
        refusing = Seen(impatient, deployment_id, pages)

        refusing.reads("unhealthy", "the gateway refuses the token of .env (AUTH_TOKEN_MISMATCH)")

        eventually(lambda: rung_of(refusing.status) == "token", within=SOON)
        assert refusing.status["cause"]["code"] == "token_refused"
    # A single command has no results of earlier checks.
    shown = cli.json("show", deployment_id)
    assert shown["status"] != "running"
    assert rung_of(shown) == "token"


@pytest.mark.soak
def test_a_frozen_gateway_is_unhealthy_until_it_continues(
    impatient: Server, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id, port = configured(impatient)
    token = token_of(deployments_dir, deployment_id)
    container = run_by_hand(engine, deployment_id, port, token)
    with ExitStack() as pages:
        frozen = Seen(impatient, deployment_id, pages)
        frozen.reads("running", "up")

        # The port still accepts connections, because the kernel accepts them.
        engine.kill(container, signal="STOP")
        frozen.reads("unhealthy", "the gateway accepts connections and does not answer")
        eventually(lambda: rung_of(frozen.status) == "healthz", within=SOON)

        engine.kill(container, signal="CONT")
        frozen.reads("running", "up")


@pytest.mark.soak
def test_a_verified_gateway_that_breaks_is_not_running_15_s_later(
    server: Server, engine: docker.APIClient, deployments_dir: Path
) -> None:
    server.start()
    ends, freezes, refuses = (configured(server)[0] for _ in range(3))
    (deployments_dir / ends / "config" / "standin-fault").write_text("crash-after:20:78")
    with ThreadPoolExecutor(3) as pool:
        launches = [
            pool.submit(server.call, "POST", "launch", {"deployment_id": each})
            for each in (ends, freezes, refuses)
        ]
        assert [each.result()[1]["status"] for each in launches] == ["running"] * 3
    with ExitStack() as pages:
        ending, freezing, refusing = (
            Seen(server, each, pages) for each in (ends, freezes, refuses)
        )
        inside = engine.exec_create(
            f"{freezes}-openclaw-1", ["node", "-e", "process.kill(-1, 'SIGSTOP')"]
        )
        engine.exec_start(inside, detach=True)
        env = deployments_dir / refuses / ".env"
        env.write_text(re.sub("(?m)^OPENCLAW_GATEWAY_TOKEN=.*", f"\\g<0>{'b'}", env.read_text()))

        refusing.reads("unhealthy", "the gateway refuses the token of .env")
        freezing.reads("unhealthy", "the gateway accepts connections and does not answer")
        eventually(lambda: rung_of(refusing.status) == "token", within=SOON)
        eventually(lambda: rung_of(freezing.status) == "healthz", within=SOON)
        # The status follows the engine: the gateway exits and is restarted again and again.
        ending.reads("restarting", "exit code 78")
