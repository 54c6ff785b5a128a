"""A real browser on a real server. An error in a page fails the test that opened the page."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from demo.chromium import FLAGS, program
from demo.cleaning import remove_everything_of
from tests.support.browser.fleet import Fleet
from tests.support.browser.visits import Visits
from tests.support.browser.without_netlink import without_netlink
from tests.support.engine.images import STANDIN
from tests.support.server import Server

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium process for all tests. Each test has its own cookies."""
    path = without_netlink(program(), tmp_path_factory.mktemp("chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def _served(folder: Path, **settings: object) -> Iterator[Server]:
    """A started server on a scratch folder. Its deployments are removed at the end."""
    deployments_dir = folder / "deployments"
    deployments_dir.mkdir()
    server = Server(deployments_dir, folder / "server.log", image=STANDIN, **settings)
    try:
        yield server.start()
    finally:
        server.stop()
        remove_everything_of(deployments_dir)


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server per module. Each test has its own deployments on this server."""
    with _served(tmp_path_factory.mktemp("shared")) as server:
        yield server


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """A server with a deployment in each state, for read-only tests."""
    # Commands on the page contain the folder's path: a short path is as long on every machine.
    with (
        tempfile.TemporaryDirectory(prefix="fleet-", ignore_cleanup_errors=True) as folder,
        # The launching deployment stays launching for all tests.
        _served(Path(folder), launch_timeout=86400) as server,
    ):
        yield Fleet.fill(server)


@pytest.fixture
def visits(chromium: Browser, shared_server: Server) -> Iterator[Visits]:
    visits = Visits(chromium, shared_server)
    yield visits
    visits.end()


@pytest.fixture
def page(visits: Visits) -> Page:
    return visits.open()


@pytest.fixture
def fleet_visits(chromium: Browser, fleet: Fleet) -> Iterator[Visits]:
    visits = Visits(chromium, fleet.server)
    yield visits
    visits.end()
