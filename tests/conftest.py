"""What every test may ask for: settings on a scratch folder, an app, a real server, a real engine.

Nothing here depends on what else is on the machine: ports are picked, folders
are scratch, and whatever a test starts is taken away after it, whether it
passed or not.
"""

import gc
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import requests
from docker.transport.unixconn import UnixHTTPConnection

from app import create_app
from app.config import Settings
from app.engine.client import engine_address
from app.usecases.context import AppContext, build_context
from demo.cleaning import remove_everything_of
from tests.support.api import Api
from tests.support.command_line import CommandLine
from tests.support.engine.gate import EngineGate
from tests.support.engine.images import STANDIN
from tests.support.engine.own_engine import OwnEngine, running_engine, why_no_engine
from tests.support.preloaded_operations import PreloadedOperations
from tests.support.server import Server

# Whoever starts one of these last would have all others wait for it at the end.
_LONGEST = (
    "tests/browser/test_from_another_machine.py",
    "tests/crash/",
    "tests/demo/",
    "tests/browser/",
    # Not beside the first, which has a real gateway too.
    "tests/web/lifecycle/test_openclaw.py",
    "tests/web/",
    "tests/engine/",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="try everything that can be tried")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: too long for the suite; runs with --soak")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for `--soak`; begin with what takes longest, so that workers end alike."""
    if not config.getoption("soak"):
        left_out = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> int:
    places = (place for place, start in enumerate(_LONGEST) if nodeid.startswith(start))
    return next(places, len(_LONGEST))


@pytest.fixture
def deployments_dir(tmp_path: Path) -> Iterator[Path]:
    """A scratch folder for deployments; what was started from it is gone afterwards."""
    folder = tmp_path / "deployments"
    folder.mkdir()
    yield folder
    remove_everything_of(folder)


@pytest.fixture
def settings(deployments_dir: Path) -> Settings:
    return Settings(deployments_dir=deployments_dir, image=STANDIN, launch_timeout=60)


@pytest.fixture
def context(settings: Settings) -> AppContext:
    return build_context(settings)


@pytest.fixture
def api(settings: Settings) -> Api:
    """The JSON API without a server between; operations are processes all the same."""
    return Api(create_app(settings))


@pytest.fixture
def no_engine(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket for anybody; for our own client it is not even tried to make one."""

    def refuse(_connection: UnixHTTPConnection) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(UnixHTTPConnection, "connect", refuse)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'no.sock'}")


@pytest.fixture(scope="session")
def preloading() -> Iterator[PreloadedOperations]:
    operations = PreloadedOperations()
    yield operations
    operations.close()


@pytest.fixture
def preloaded_operations(
    monkeypatch: pytest.MonkeyPatch, preloading: PreloadedOperations, deployments_dir: Path
) -> Iterator[None]:
    """Start operations that need not load their program: for modules that start many."""
    monkeypatch.setattr(subprocess, "Popen", preloading)
    yield
    preloading.kill_running()


@pytest.fixture
def cli(context: AppContext) -> CommandLine:
    return CommandLine(context, {})


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.APIClient]:
    """The engine itself, asked past everything of ours."""
    client = docker.APIClient(base_url=engine_address(), version="auto", timeout=20)
    yield client
    client.close()


@pytest.fixture
def server(deployments_dir: Path, tmp_path: Path) -> Iterator[Server]:
    """A real server on a port of its own, not started yet."""
    server = Server(deployments_dir, tmp_path / "server.log", image=STANDIN)
    yield server
    server.stop()


@pytest.fixture
def collected() -> Iterator[None]:
    """Let what a test has left to the garbage collector go with it."""
    yield
    gc.collect()


@pytest.fixture
def gate(
    deployments_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EngineGate]:
    """A gate to the engine for clients that are made after it. It closes before the clean-up."""
    gate = EngineGate(tmp_path / "engine.sock")
    monkeypatch.setenv("DOCKER_HOST", gate.address)
    yield gate
    gate.shut()
    monkeypatch.undo()


@pytest.fixture(scope="session")
def engine_of_tests() -> Iterator[OwnEngine]:
    """An engine that belongs to the tests; started by the first that wants it."""
    if missing := why_no_engine():
        pytest.skip(missing)
    with running_engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def own_engine_of_module(engine_of_tests: OwnEngine) -> Iterator[OwnEngine]:
    """What everything of a module talks to, cleaning up included: DOCKER_HOST names it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", engine_of_tests.address)
        yield engine_of_tests


@pytest.fixture
def own_engine(own_engine_of_module: OwnEngine, deployments_dir: Path) -> Iterator[OwnEngine]:
    """An engine to do harm to; up and awake again when the scratch folder is emptied.

    Whoever uses it has a module of its own: `pytestmark = pytest.mark.usefixtures("own_engine")`.
    """
    own_engine_of_module.start()
    yield own_engine_of_module
    own_engine_of_module.thaw()
    own_engine_of_module.start()


@pytest.fixture
def engine_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every request that goes to the engine, by its path."""
    calls: list[str] = []
    send = requests.Session.send

    def counted(session: requests.Session, request: requests.PreparedRequest, **more: object):
        calls.append(str(request.path_url))
        return send(session, request, **more)

    monkeypatch.setattr(requests.Session, "send", counted)
    yield calls
