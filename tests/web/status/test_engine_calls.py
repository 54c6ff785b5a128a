"""What looking costs: one engine call a page, no folder read twice, nothing for one viewer more."""

import re
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import docker
import psutil
import pytest
import requests

from app.core.deployment import is_id
from app.usecases.context import AppContext
from app.web.status import api, overview
from demo.cleaning import remove_project
from tests.support.api import API_KEY, Api
from tests.support.engine.containers import run_container_of
from tests.support.engine.gate import EngineGate
from tests.support.server import Server
from tests.support.soak import rounds
from tests.support.streams import Stream
from tests.support.waiting import eventually


@pytest.fixture
def listening(api: Api) -> Iterator[Api]:
    """The API of a server that hears the engine's events, as every server does."""
    context: AppContext = api.app.config["CONTEXT"]
    heard = threading.Event()
    context.events.listen(lambda _: None, heard.set)
    context.events.start()
    assert heard.wait(20)
    yield api
    context.events.stop()


@pytest.fixture
def own_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The engine calls of who answers and of the snapshot; what watches gateways is apart."""
    calls: list[str] = []
    send, answering = requests.Session.send, threading.get_ident()

    def counted(session: requests.Session, request: requests.PreparedRequest, **more: Any):
        if threading.get_ident() == answering or threading.current_thread().name == "snapshot":
            calls.append(str(request.path_url))
        return send(session, request, **more)

    monkeypatch.setattr(requests.Session, "send", counted)
    return calls


def test_a_list_is_one_engine_call_however_many_deployments_run(
    listening: Api, engine: docker.APIClient, own_calls: list[str], pytestconfig: pytest.Config
) -> None:
    count = rounds(pytestconfig, 6, 30)
    ids = [listening.configure() for _ in range(count)]
    for deployment_id in ids:
        run_container_of(engine, deployment_id)

    # The first look at a container inspects it: it may be in a crash loop.
    eventually(lambda: _calls_cold(listening, "list", own_calls) == 1, every=0.2)
    assert [row["status"] for row in listening.get("list").json] == ["running"] * count
    assert _calls_cold(listening, "/", own_calls) == 1

    for deployment_id in ids[1:]:
        remove_project(engine, deployment_id)
    eventually(lambda: _calls_cold(listening, "list", own_calls) == 1, every=0.2)
    assert [row["status"] for row in listening.get("list").json].count("running") == 1


def test_a_container_is_inspected_again_after_each_of_its_events_and_not_otherwise(
    listening: Api, engine: docker.APIClient, own_calls: list[str]
) -> None:
    deployment_id = listening.configure()
    run_container_of(engine, deployment_id)
    (container,) = engine.containers(
        filters={"label": f"com.docker.compose.project={deployment_id}"}
    )
    eventually(lambda: _calls_cold(listening, "list", own_calls) == 1, every=0.2)

    engine.pause(container["Id"])
    eventually(lambda: listening.listed(deployment_id)["status"] == "unhealthy")
    engine.unpause(container["Id"])
    eventually(lambda: listening.listed(deployment_id)["status"] == "running")
    engine.kill(container["Id"])

    # Only inspecting tells the exit code from one that was not asked for.
    eventually(lambda: listening.listed(deployment_id)["status"] == "failed")
    assert "137" in listening.listed(deployment_id)["reason"]
    eventually(lambda: _calls_cold(listening, "list", own_calls) == 1, every=0.2)


@pytest.mark.parametrize("page", ["/deployments/{}", "/deployments/{}/logs", "status/{}"])
def test_a_detail_page_is_at_most_two_calls_more_and_none_when_warm(
    listening: Api, engine: docker.APIClient, own_calls: list[str], page: str
) -> None:
    deployment_id = listening.configure()
    run_container_of(engine, deployment_id)
    eventually(lambda: _calls_cold(listening, "list", own_calls) == 1, every=0.2)

    assert _calls_cold(listening, page.format(deployment_id), own_calls) <= 3

    # On a slow machine the kept answer may be too old meanwhile.
    eventually(lambda: _calls_of(listening, page.format(deployment_id), own_calls) == 0)


def test_a_second_look_within_a_second_costs_nothing(listening: Api, own_calls: list[str]) -> None:
    listening.configure()
    listening.get("list")

    # A look may come a second later on a slow machine, or another's container may have changed.
    eventually(
        lambda: all(_calls_of(listening, path, own_calls) == 0 for path in ("list", "/", "list"))
    )


def _calls_of(api: Api, path: str, calls: list[str]) -> int:
    before = len(calls)
    answer = api.page(path) if path.startswith("/") else api.get(path)
    assert answer.status_code == 200
    return len(calls) - before


def _calls_cold(api: Api, path: str, calls: list[str]) -> int:
    """Count what a page costs when nothing that the engine said is kept."""
    api.app.config["CONTEXT"].snapshots.outdate()
    return _calls_of(api, path, calls)


def test_folders_are_read_when_their_files_changed_and_no_others(
    api: Api, opened: list[str], pytestconfig: pytest.Config
) -> None:
    ids = [api.configure() for _ in range(rounds(pytestconfig, 5, 200))]
    context: AppContext = api.app.config["CONTEXT"]
    folders = {each: Path(context.store.folder(each)) for each in ids}

    def looked_without_reading() -> bool:
        opened.clear()
        api.page("/")
        return not _deployments_in(opened)

    # What has changed a moment ago may change again within the same tick of the kernel's clock.
    eventually(looked_without_reading)
    for _ in range(3):
        api.page("/")
        api.get("list")
    assert _deployments_in(opened) == set()
    api.page(f"/deployments/{ids[0]}")
    assert _deployments_in(opened) <= {ids[0]}

    # What a gateway writes is no setting.
    (folders[ids[1]] / "config/openclaw.json").write_text("{}")
    (folders[ids[1]] / "workspace/notes.md").write_text("notes")
    opened.clear()
    api.get("list")
    assert _deployments_in(opened) == set()

    env = folders[ids[2]] / ".env"
    env.write_text(env.read_text().replace("DEPLOYMENT_NAME=", "DEPLOYMENT_NAME=Sales"))
    (folders[ids[3]] / "docker-compose.yml").touch()
    opened.clear()
    api.get("list")
    assert _deployments_in(opened) == {ids[2], ids[3]}
    eventually(looked_without_reading)


@pytest.mark.parametrize(("path", "module"), [("/", overview), ("/api/deploy/list", api)])
def test_a_list_of_which_nothing_changed_is_not_made_anew(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str, module: ModuleType
) -> None:
    deployment_id = api.configure(name="Support bot")
    made, really_make = [], module.views_of
    monkeypatch.setattr(
        module, "views_of", lambda seen, context: made.append(seen) or really_make(seen, context)
    )
    api.page(path)

    def answered_without_making() -> bool:
        before = len(made)
        api.page(path)
        return len(made) == before

    eventually(answered_without_making)
    # What was written by hand a moment ago is there all the same.
    env = Path(api.app.config["CONTEXT"].store.folder(deployment_id)) / ".env"
    for name in ("Sales", "Press desk", "Warehouse"):
        env.write_text(re.sub("DEPLOYMENT_NAME=.*", f"DEPLOYMENT_NAME='{name}'", env.read_text()))
        assert name in api.page(path).text


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Every file and folder that Python opens, by path."""
    if not _OPENED.hooked:
        sys.addaudithook(_OPENED.hear)
        _OPENED.hooked = True
    _OPENED.paths = []
    yield _OPENED.paths
    _OPENED.paths = None


class _Opened:
    """A hook that stays for good, and hears only while a test wants to know."""

    hooked = False
    paths: list[str] | None = None

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.paths is not None and event in ("open", "os.scandir", "os.listdir"):
            self.paths.append(str(arguments[0]))


_OPENED = _Opened()


def _deployments_in(paths: list[str]) -> set[str]:
    return {part for path in paths for part in Path(path).parts if is_id(part)}


def test_a_viewer_more_is_no_process_and_no_engine_call(
    gate: EngineGate, server: Server, engine: docker.APIClient, pytestconfig: pytest.Config
) -> None:
    server.start()
    assert server.process
    status, made = server.call("POST", "configure", {"openrouter_api_key": API_KEY})
    assert status == 200
    run_container_of(engine, made["deployment_id"])
    paths = ["/stream", *(f"/deployments/{made['deployment_id']}{x}" for x in _STREAMS)]
    with ExitStack() as open_pages:
        _look(server, paths, open_pages)
        eventually(lambda: any("follow=1" in each for each in gate.asked))
        processes = _processes_of(server)

        def more_cost_nothing() -> bool:
            begun, before = time.monotonic(), len(gate.asked)
            with ExitStack() as more:
                _look(server, paths * rounds(pytestconfig, 3, 15), more)
                asked = [_kind(each) for each in gate.asked[before:]]
                took = time.monotonic() - begun
                assert _processes_of(server) == processes
            # What is asked for whoever looks: once a second, and a sample every five.
            return asked.count("list") <= took + 2 and set(asked) <= {"list", "sample"}

        # Another's container may have changed meanwhile, which is asked for too.
        eventually(more_cost_nothing)


def _look(server: Server, paths: Sequence[str], open_pages: ExitStack) -> None:
    for path in paths:
        stream = open_pages.enter_context(Stream(server, path))
        eventually(lambda stream=stream: stream.messages)


_STREAMS = ("/stream", "/logs/stream")


def _kind(asked: str) -> str:
    if "/containers/json" in asked:
        return "list"
    return "sample" if "/stats" in asked else asked


def _processes_of(server: Server) -> set[int]:
    assert server.process
    first = psutil.Process(server.process.pid)
    return {each.pid for each in [first, *first.children(recursive=True)]}
