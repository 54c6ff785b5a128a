"""A page costs one engine call and reads only changed folders."""

import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from app.core.deployment import is_id
from app.usecases.context import AppContext
from app.web.status import overview
from demo.cleaning import remove_project
from tests.support.api import Api
from tests.support.engine.containers import container_of, run_container_of
from tests.support.soak import rounds
from tests.support.waiting import eventually


@pytest.fixture
def follow_events(api: Api) -> Iterator[Callable[[], None]]:
    """Return a function that lets the app follow the engine's events, as a server does.

    A container that started before the call is inspected only once, because no event invalidates
    the cached inspection.
    """
    context: AppContext = api.app.config["CONTEXT"]

    def follow() -> None:
        connected = threading.Event()
        context.events.listen(lambda _: None, connected.set)
        context.events.start()
        assert connected.wait(20)

    yield follow
    context.events.stop()


@pytest.fixture
def own_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The engine calls of the request's thread and of the snapshot, but not of event watchers."""
    calls: list[str] = []
    send, answering = requests.Session.send, threading.get_ident()

    def counted(session: requests.Session, request: requests.PreparedRequest, **more: Any):
        if threading.get_ident() == answering or threading.current_thread().name == "snapshot":
            calls.append(str(request.path_url))
        return send(session, request, **more)

    monkeypatch.setattr(requests.Session, "send", counted)
    return calls


def test_a_list_is_one_engine_call_however_many_deployments_run(
    api: Api,
    follow_events: Callable[[], None],
    engine: docker.APIClient,
    own_calls: list[str],
    pytestconfig: pytest.Config,
) -> None:
    count = rounds(pytestconfig, 6, 30)
    ids = [api.configure() for _ in range(count)]
    for deployment_id in ids:
        run_container_of(engine, deployment_id)
    follow_events()

    # The first read inspects each container, which may be in a crash loop.
    assert _calls_cold(api, "list", own_calls) <= 1 + count
    assert _calls_cold(api, "list", own_calls) == 1
    assert [row["status"] for row in api.get("list").json] == ["running"] * count
    assert _calls_cold(api, "/", own_calls) == 1

    for deployment_id in ids[1:]:
        remove_project(engine, deployment_id)
    assert _calls_cold(api, "list", own_calls) == 1
    assert [row["status"] for row in api.get("list").json].count("running") == 1


def test_a_container_is_inspected_again_after_each_of_its_events_and_not_otherwise(
    api: Api,
    follow_events: Callable[[], None],
    engine: docker.APIClient,
    own_calls: list[str],
) -> None:
    deployment_id = api.configure()
    run_container_of(engine, deployment_id)
    container = container_of(engine, deployment_id)
    follow_events()
    _calls_cold(api, "list", own_calls)
    assert _calls_cold(api, "list", own_calls) == 1

    engine.pause(container)
    eventually(lambda: api.listed(deployment_id)["status"] == "unhealthy")
    engine.unpause(container)
    eventually(lambda: api.listed(deployment_id)["status"] == "running")
    engine.kill(container)

    # The exit code is only in the answer of `inspect`.
    eventually(lambda: api.listed(deployment_id)["status"] == "failed")
    assert "137" in api.listed(deployment_id)["reason"]
    assert _calls_cold(api, "list", own_calls) == 1


@pytest.mark.parametrize("page", ["/deployments/{}", "/deployments/{}/logs", "status/{}"])
def test_a_detail_page_is_at_most_two_more_calls_and_repeats_none_without_a_change(
    api: Api,
    follow_events: Callable[[], None],
    engine: docker.APIClient,
    own_calls: list[str],
    page: str,
) -> None:
    deployment_id = api.configure()
    run_container_of(engine, deployment_id)
    follow_events()
    _calls_cold(api, "list", own_calls)
    path = page.format(deployment_id)

    assert _calls_cold(api, path, own_calls) <= 3

    own_calls.clear()
    took = _look_often(api, [path])
    others = Counter(each for each in own_calls if "/containers/json" not in each)
    # Containers of concurrent tests change too. Each change costs another list request and another
    # rendering of the page.
    lists = len(own_calls) - others.total()
    assert all(count <= 1 + took + lists for count in others.values()), own_calls
    assert len(others) <= 2


def test_looks_within_a_second_share_one_engine_call(api: Api, own_calls: list[str]) -> None:
    api.configure()
    api.get("list")
    own_calls.clear()

    took = _look_often(api, ["list", "/"])

    assert len(own_calls) <= 1 + took


def _look_often(api: Api, paths: Sequence[str]) -> float:
    """Read each path twenty times. Return the total seconds."""
    started = time.monotonic()
    for path in [*paths] * 20:
        answer = api.page(path) if path.startswith("/") else api.get(path)
        assert answer.status_code == 200
    return time.monotonic() - started


def _calls_of(api: Api, path: str, calls: list[str]) -> int:
    before = len(calls)
    answer = api.page(path) if path.startswith("/") else api.get(path)
    assert answer.status_code == 200
    return len(calls) - before


def _calls_cold(api: Api, path: str, calls: list[str]) -> int:
    """Count a page's engine calls when the snapshot is outdated."""
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

    # A file that changed just now is read again, because it may change again within the same clock
    # tick.
    eventually(looked_without_reading)
    for _ in range(3):
        api.page("/")
        api.get("list")
    assert _deployments_in(opened) == set()
    api.page(f"/deployments/{ids[0]}")
    assert _deployments_in(opened) <= {ids[0]}

    # Files that a gateway writes are no settings, so they are not read.
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


@pytest.mark.parametrize("path", ["/", "/api/deploy/list"])
def test_an_unchanged_list_is_not_built_again(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    deployment_id = api.configure(name="Support bot")
    made, really_make = [], overview.views_of
    monkeypatch.setattr(
        overview, "views_of", lambda seen, context: made.append(seen) or really_make(seen, context)
    )
    api.page(path)

    def answered_without_making() -> bool:
        before = len(made)
        api.page(path)
        return len(made) == before

    eventually(answered_without_making)
    # A manual edit is shown at once.
    env = Path(api.app.config["CONTEXT"].store.folder(deployment_id)) / ".env"
    for name in ("Sales", "Press desk", "Warehouse"):
        env.write_text(re.sub("DEPLOYMENT_NAME=.*", f"DEPLOYMENT_NAME='{name}'", env.read_text()))
        assert name in api.page(path).text


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """The paths of all files and folders that Python opens."""
    if not _OPENED.hooked:
        sys.addaudithook(_OPENED.hear)
        _OPENED.hooked = True
    _OPENED.paths = []
    yield _OPENED.paths
    _OPENED.paths = None


class _Opened:
    """An audit hook can't be removed, so this hook records paths only during a test."""

    hooked = False
    paths: list[str] | None = None

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.paths is not None and event in ("open", "os.scandir", "os.listdir"):
            self.paths.append(str(arguments[0]))


_OPENED = _Opened()


def _deployments_in(paths: list[str]) -> set[str]:
    return {part for path in paths for part in Path(path).parts if is_id(part)}
