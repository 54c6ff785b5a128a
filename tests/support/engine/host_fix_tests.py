"""Failures of a whole host, tested on a separate host.

Only tests/web/diagnosis/test_fixes_of_the_host.py runs them.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import docker
import pytest

from app.config import PROJECT
from app.store.operation_log import log_path
from tests.support.api import Api
from tests.support.command_line import CommandLine
from tests.support.engine.gate import LEAVES_SOCKETS
from tests.support.status.failure_scenario import FailureScenario
from tests.support.waiting import eventually

pytestmark = LEAVES_SOCKETS

_PLUGINS = "/usr/local/lib/docker/cli-plugins"
_PID = Path("/run/docker.pid")


@pytest.fixture(scope="session", autouse=True)
def started() -> None:
    """Start an engine on a separate host, which has none."""
    if saved := os.environ.get("STANDIN_SAVED"):
        subprocess.run([PROJECT / "scripts/engine"], check=True)
        subprocess.run(["docker", "load", "--input", saved], check=True)


@pytest.fixture
def scenario(api: Api, cli: CommandLine, engine: docker.APIClient) -> Iterator[FailureScenario]:
    with ExitStack() as borrowed:
        yield FailureScenario(api, cli, engine, borrowed)


def test_compose_is_gone(scenario: FailureScenario) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "none", _PLUGINS], check=True)

    scenario.launch_fails("compose_missing")

    scenario.is_fixed_by(scenario.shows_cause("compose_missing")["fix"])


def test_the_engine_dies(scenario: FailureScenario) -> None:
    scenario.api.launch(scenario.id, wait=False)
    log = log_path(scenario.folder, 1)
    eventually(lambda: log.exists() and "docker compose up -d" in log.read_text())

    os.kill(int(_PID.read_text()), signal.SIGKILL)

    ended = eventually(lambda: _ended(scenario))
    assert (ended["state"], ended["code"]) == ("failed", "engine_unreachable"), ended
    named = scenario.shows_cause("engine_unreachable")
    assert ended["fix"].startswith(named["fix"])
    scenario.is_fixed_by(ended["fix"])


def _ended(scenario: FailureScenario) -> dict[str, Any] | None:
    operation = scenario.api.get(f"operations/{scenario.id}/1").json
    return None if operation["state"] == "running" else dict(operation)
