"""The demo shows every status. It leaves nothing behind, even after a kill."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import docker
import psutil
import pytest

from app.config import PROJECT
from app.core.deployment import is_id
from app.core.status.status import Status
from demo.cleaning import remove_everything_of
from demo.company import company
from tests.support.waiting import eventually


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "demo"
    yield folder
    if folder.exists():
        remove_everything_of(folder / "deployments")


@pytest.fixture
def demos() -> Iterator[ExitStack]:
    with ExitStack() as demos:
        yield demos


def start(folder: Path, demos: ExitStack) -> tuple[subprocess.Popen[str], str]:
    """Start the demo. Return its process and the address that it prints."""
    command = [sys.executable, "-m", "demo", "--folder", str(folder)]
    demo = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    demos.enter_context(demo)
    demos.callback(demo.kill)
    assert demo.stdout
    line = demo.stdout.readline()
    return demo, line.split(" is at ")[1].split(";")[0]


def ids_in(folder: Path) -> set[str]:
    return {each.name for each in folder.glob("deployments/*") if is_id(each.name)}


def left_of(ids: set[str], engine: docker.APIClient) -> list[str]:
    """Return the names of the demo's projects that still have a container or a network."""
    things = [*engine.containers(all=True), *engine.networks()]
    labels = [each["Labels"].get("com.docker.compose.project") for each in things if each["Labels"]]
    return sorted(ids.intersection(labels))


def listed(url: str) -> dict[str, str]:
    with urllib.request.urlopen(f"{url}/api/deploy/list", timeout=30) as answer:
        return {row["name"]: row["status"] for row in json.load(answer)}


@pytest.mark.soak
def test_the_demo_shows_every_status_and_cleans_up_even_after_a_kill(
    folder: Path, demos: ExitStack, engine: docker.APIClient
) -> None:
    killed, _ = start(folder, demos)
    eventually(lambda: left_of(ids_in(folder), engine), within=30)
    ids, server = ids_in(folder), psutil.Process(killed.pid).children()[0]
    killed.kill()
    killed.wait()
    assert server.is_running()

    second, url = start(folder, demos)

    assert left_of(ids, engine) == []
    assert not server.is_running()
    wanted = {each.name: each.status for each in company("127.0.0.1", 1)}
    eventually(lambda: listed(url) == wanted, within=120)
    ids = ids_in(folder)
    second.send_signal(signal.SIGINT)
    assert second.wait(30) == 0
    assert left_of(ids, engine) == []
    assert not folder.exists()


def test_the_demo_has_twelve_gateways_in_every_lasting_status() -> None:
    wanted = company("127.0.0.1", 1)

    assert len({each.name for each in wanted}) == 12
    passing = {Status.STOPPING, Status.UNKNOWN}
    assert {each.status for each in wanted} == set(Status) - passing
