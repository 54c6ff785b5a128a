"""Fixtures for all tests: settings with a scratch folder, an app, a real server, a real engine.

No fixture depends on the rest of the machine: ports are free ones, folders are scratch folders, and
everything that a test starts is removed after the test, even after a failure.
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

# The longest tests in the order of their start. If a worker started one of them last, all other
# workers would wait for it at the end.
_LONGEST = (
    # Not long. In one run of ten under load, its recorder saw one more pause than there was. The
    # cause is unknown; the machine is least busy at the start.
    "tests/web/history/test_incident_recorder.py",
    "tests/browser/test_from_another_machine.py",
    "tests/crash/",
    "tests/demo/",
    "tests/browser/",
    # Not next to the first entry, because both run a real gateway.
    "tests/web/lifecycle/test_openclaw.py",
    "tests/web/",
    "tests/engine/",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="try everything that can be tried")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: too long for the suite; runs with --soak")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `--soak`, skip soak tests. Start the longest first, so that workers end together."""
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
    """A scratch folder for deployments. Their processes and containers are removed afterwards."""
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
    """The JSON API without a server. Operations still run in separate processes."""
    return Api(create_app(settings))


@pytest.fixture
def no_engine(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine for any program. Our own client fails without trying to connect."""

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
    """Fork operations from a process with the program loaded: for modules with many operations."""
    monkeypatch.setattr(subprocess, "Popen", preloading)
    yield
    preloading.kill_running()


@pytest.fixture
def cli(context: AppContext) -> CommandLine:
    return CommandLine(context, {})


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.APIClient]:
    """A Docker client for the engine, independent of Deploy Agent's code."""
    client = docker.APIClient(base_url=engine_address(), version="auto", timeout=20)
    yield client
    client.close()


@pytest.fixture
def server(deployments_dir: Path, tmp_path: Path) -> Iterator[Server]:
    """A real server on a free port, not started yet."""
    server = Server(deployments_dir, tmp_path / "server.log", image=STANDIN)
    yield server
    server.stop()


@pytest.fixture
def collected() -> Iterator[None]:
    """Collect a test's garbage right after the test."""
    yield
    gc.collect()


@pytest.fixture
def gate(
    deployments_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EngineGate]:
    """A gate to the engine for clients that are made later. The gate shuts before the clean-up."""
    gate = EngineGate(tmp_path / "engine.sock")
    monkeypatch.setenv("DOCKER_HOST", gate.address)
    yield gate
    gate.shut()
    monkeypatch.undo()


@pytest.fixture(scope="session")
def engine_of_tests() -> Iterator[OwnEngine]:
    """A separate engine for tests, started by the first test that needs it."""
    if missing := why_no_engine():
        pytest.skip(missing)
    with running_engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def own_engine_of_module(engine_of_tests: OwnEngine) -> Iterator[OwnEngine]:
    """A separate engine in DOCKER_HOST, for all tests of a module and their clean-up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", engine_of_tests.address)
        yield engine_of_tests


@pytest.fixture
def own_engine(own_engine_of_module: OwnEngine, deployments_dir: Path) -> Iterator[OwnEngine]:
    """An engine that a test may harm. It runs again before the scratch folder is emptied.

    All tests of a module use it: `pytestmark = pytest.mark.usefixtures("own_engine")`.
    """
    own_engine_of_module.start()
    yield own_engine_of_module
    own_engine_of_module.thaw()
    own_engine_of_module.start()


@pytest.fixture
def engine_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths of all requests to the engine."""
    calls: list[str] = []
    send = requests.Session.send

    def counted(session: requests.Session, request: requests.PreparedRequest, **more: object):
        calls.append(str(request.path_url))
        return send(session, request, **more)

    monkeypatch.setattr(requests.Session, "send", counted)
    yield calls
