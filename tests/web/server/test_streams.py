"""A page's event stream sends changes as long as somebody reads the stream."""

import re
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import docker
import psutil
import pytest

from app.usecases.context import AppContext
from app.usecases.people import people
from app.usecases.server.live_updates import MOST_SUBSCRIBERS
from tests.support.api import Api
from tests.support.browser.fleet import configure, folder_of, launch
from tests.support.server import Server
from tests.support.streams import Stream
from tests.support.waiting import eventually


@pytest.fixture
def started(server: Server) -> Server:
    return server.start()


def test_a_manual_stop_updates_its_row_and_the_counts_only(
    started: Server, engine: docker.APIClient
) -> None:
    sales, other = configure(started, name="Sales"), configure(started, name="Other")
    launch(started, sales)
    with Stream(started, "/stream") as stream:
        eventually(lambda: stream.parts("results"))
        before = len(stream.parts("results"))

        engine.kill(f"{sales}-openclaw-1", "SIGTERM")

        eventually(lambda: 'data-status="stopped"' in "".join(stream.parts(f"row-{sales}")[-1:]))
        eventually(lambda: re.search(r"<b>1</b> stopped", stream.parts("counts")[-1]))
        assert stream.parts(f"row-{other}") == []
        assert len(stream.parts("results")) == before


def test_a_manual_edit_and_a_new_folder_are_noticed(started: Server) -> None:
    deployment_id = configure(started, name="Sales")
    with Stream(started, "/stream") as stream:
        eventually(lambda: "Sales" in "".join(stream.parts("results")))
        env = folder_of(started, deployment_id) / ".env"

        env.write_text(env.read_text().replace("Sales", "Marketing"))

        eventually(
            lambda: (
                "Marketing" in "".join(stream.parts("results")[-1:])
                or "Marketing" in "".join(stream.parts(f"row-{deployment_id}"))
            )
        )
        added = configure(started, name="Added")
        eventually(lambda: f"row-{added}" in stream.parts("results")[-1])


def test_no_name_breaks_the_event_stream(api: Api, deployments_dir: Path) -> None:
    env = deployments_dir / api.configure(name="Sales") / ".env"
    env.write_bytes(env.read_bytes().replace(b"Sales", b'"S\revent: gone\r\rales"'))

    answer = api.page("/stream")
    with closing(answer.iter_encoded()) as events:
        html = next(each for each in events if b"ales" in each)

    lines = re.split(rb"\r\n|\r|\n", html.removesuffix(b"\n\n"))
    assert [line for line in lines if not line.startswith(b"data: ")] == []


def test_the_stream_of_a_search_contains_only_its_results(started: Server) -> None:
    configure(started, name="Sales")
    with Stream(started, "/stream?q=sup") as stream:
        eventually(lambda: stream.parts("results"))
        found = configure(started, name="Support")
        eventually(lambda: f"row-{found}" in stream.parts("results")[-1])

        assert "Sales" not in "".join(stream.messages)


def test_the_end_of_an_operation_is_announced_once(started: Server) -> None:
    deployment_id = configure(started, name="Sales")
    with Stream(started, f"/deployments/{deployment_id}/stream") as stream:
        eventually(lambda: stream.parts("head"))

        launch(started, deployment_id)

        toast = "<hx-toast>Sales: the launch succeeded.</hx-toast>"
        eventually(lambda: toast in "".join(stream.messages))
        eventually(lambda: 'data-status="running"' in stream.parts("head")[-1])
        assert "".join(stream.messages).count(toast) == 1


def test_a_removed_deployment_ends_its_stream_with_an_event(started: Server) -> None:
    deployment_id = configure(started)
    with Stream(started, f"/deployments/{deployment_id}/stream") as stream:
        eventually(lambda: stream.parts("head"))

        folder = folder_of(started, deployment_id)
        folder.rename(folder.with_name("elsewhere"))

        eventually(lambda: stream.ended)
        assert stream.names == ["gone"]


def test_without_a_stream_the_same_content_is_sent_once(started: Server) -> None:
    deployment_id = configure(started, name="Sales")

    with Stream(started, f"/deployments/{deployment_id}/stream?once=yes") as answer:
        eventually(lambda: answer.ended)

    assert answer.type.startswith("text/html")


def test_the_server_ends_within_its_time_however_many_read(started: Server) -> None:
    streams = [Stream(started, "/stream") for _ in range(20)]
    eventually(lambda: all(each.messages for each in streams))
    assert started.process

    started.process.send_signal(signal.SIGTERM)

    # gunicorn's graceful timeout is 4 s.
    assert started.process.wait(5) == 0
    eventually(lambda: all(each.ended for each in streams))
    for each in streams:
        each.leave()
    assert "Traceback" not in started.log.read_text()


def test_too_many_readers_are_refused_and_leave_nothing_behind(
    started: Server,
) -> None:
    configure(started, name="Sales")
    assert started.process
    worker = psutil.Process(started.process.pid).children()[0]
    with Stream(started, "/stream") as first:
        eventually(lambda: first.messages)
        threads, files = worker.num_threads(), worker.num_fds()

        with ThreadPoolExecutor(20) as pool:
            open_one = lambda _: Stream(started, "/stream")  # noqa: E731
            streams = list(pool.map(open_one, range(MOST_SUBSCRIBERS)))
        refused = [each for each in streams if each.status != 200]
        assert [each.status for each in refused] == [503]
        with Stream(started, "/stream?once=yes") as once:
            assert once.status == 200

        for each in streams:
            each.leave()
        # The server notices a lost reader at the next event.
        configure(started, name="Another")
        eventually(lambda: worker.num_fds() <= files + 5, within=30)
        with Stream(started, "/stream") as again:
            assert again.status == 200
        # The thread pool keeps its idle threads.
        assert worker.num_threads() <= threads + MOST_SUBSCRIBERS + 20


def test_a_stream_ends_with_the_token_that_opened_it(server: Server, context: AppContext) -> None:
    token = people.make_token("wall", "viewer", "ana", context=context)
    people.add_user("ana", "operator", "correct horse battery", by="test", context=context)
    server.token, server.ready_status = token, 200
    server.start()

    with Stream(server, "/stream", {"Authorization": f"Bearer {token}"}) as stream:
        eventually(lambda: stream.messages)
        (identifier,) = context.people.read().tokens
        people.revoke_token(identifier, by="test", context=context)

        eventually(lambda: stream.ended)


def test_concurrent_readers_cost_one_engine_call(api: Api, engine_calls: list[str]) -> None:
    deployment_id = api.configure()
    all_look = Barrier(5)

    def look(_: int) -> bytes:
        answer = api.app.test_client().get("/stream", buffered=False)
        events = iter(answer.response)
        next(events)
        shown = next(events)
        all_look.wait(20)
        api.app.config["CONTEXT"].live_updates.close()
        answer.close()
        return shown

    with ThreadPoolExecutor(5) as pool:
        shown = list(pool.map(look, range(5)))

    assert all(deployment_id.encode() in each for each in shown)
    listed = [call for call in engine_calls if "com.docker.compose.project" in call]
    assert len(listed) == 1
