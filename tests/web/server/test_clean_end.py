"""A stopping server frees everything at once; a running server keeps nothing of past visits."""

import gc
import os
import signal
import socket
import urllib.request
from collections import Counter
from pathlib import Path

import psutil
import pytest

from demo.cleaning import operation_processes
from tests.support.api import BASE, Api
from tests.support.engine.images import SLOW_START
from tests.support.server import Server
from tests.support.soak import rounds
from tests.support.streams import Stream
from tests.support.waiting import eventually

# The allowed growth in files and threads, such as a kept connection. The growth must be smaller
# than the number of visits.
_SPARE_FILES, _SPARE_THREADS = 12, 12


def worker_of(server: Server) -> psutil.Process:
    assert server.process is not None
    [worker] = psutil.Process(server.process.pid).children()
    return worker


def test_a_server_with_streams_stops_in_time_and_operations_continue(
    server: Server, deployments_dir: Path, pytestconfig: pytest.Config
) -> None:
    server.start()
    deployment_id = server.configure(image=SLOW_START)
    streams = [Stream(server, "/stream") for _ in range(rounds(pytestconfig, 10, 100))]
    server.begin_launch(deployment_id)
    streams.append(Stream(server, f"/deployments/{deployment_id}/stream"))
    [process] = eventually(lambda: operation_processes(deployments_dir))
    assert server.process is not None

    server.process.send_signal(signal.SIGTERM)

    assert server.process.wait(rounds(pytestconfig, 30, 5)) == 0
    assert process.is_running()
    assert os.getsid(process.pid) == process.pid
    for stream in streams:
        eventually(lambda stream=stream: stream.ended)
        stream.leave()
    assert "Traceback" not in server.log.read_text()
    eventually(lambda: not operation_processes(deployments_dir), within=90)
    server.start()
    assert server.call("GET", f"status/{deployment_id}")[1]["status"] == "running"


def visit(server: Server, path: str) -> None:
    with urllib.request.urlopen(server.url + path, timeout=30) as answer:
        answer.read()


def drop_rudely(server: Server, path: str) -> None:
    """Request a page, and reset the connection in the middle of the answer."""
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert connection.recv(16)
    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()


def use(server: Server, deployment_id: str, pages: int, streams: int, launches: int) -> None:
    paths = ("/", f"/deployments/{deployment_id}", "/archive", "/doctor", "/api/deploy/list")
    for number in range(pages):
        visit(server, paths[number % len(paths)])
    followed = ("/stream", f"/deployments/{deployment_id}/stream")
    for number in range(streams // 2):
        with Stream(server, followed[number % 2]) as stream:
            eventually(lambda stream=stream: stream.messages)
        drop_rudely(server, followed[number % 2])
    for _ in range(launches):
        body = {"deployment_id": deployment_id}
        assert server.call("POST", "launch", body)[0] == 200
        assert server.call("POST", "stop", body)[0] == 200


def test_finished_pages_streams_and_launches_leave_no_thread_or_descriptor(
    server: Server, deployments_dir: Path, pytestconfig: pytest.Config
) -> None:
    server.start()
    deployment_id = server.configure()
    worker = worker_of(server)
    streams = rounds(pytestconfig, 8, 100)
    # Concurrent visitors start the server's threads, which stay for later visitors.
    use(server, deployment_id, pages=10, streams=streams, launches=rounds(pytestconfig, 0, 2))
    eventually(lambda: not worker.children(), within=30)
    threads, files = worker.num_threads(), worker.num_fds()

    use(
        server,
        deployment_id,
        pages=rounds(pytestconfig, 20, 500),
        streams=streams,
        launches=rounds(pytestconfig, 0, 50),
    )

    eventually(lambda: worker.num_fds() <= files + _SPARE_FILES, within=60)
    eventually(lambda: worker.num_threads() <= threads + _SPARE_THREADS, within=60)
    assert worker.children() == []
    assert operation_processes(deployments_dir) == []


@pytest.mark.usefixtures("no_engine")
def test_finished_visits_leave_no_objects_of_the_app(api: Api) -> None:
    deployment_id = api.configure()
    paths = ("/", f"/deployments/{deployment_id}", "/archive", "/doctor", "/api/deploy/list")
    streams = ("/stream", f"/deployments/{deployment_id}/stream")

    def visit_all() -> None:
        for path in paths:
            assert api.page(path).status_code == 200
        for path in streams:
            with api.client.get(path, base_url=BASE, buffered=False) as stream:
                assert next(iter(stream.response))

    visit_all()
    before, visits = objects_of_the_app(), 20

    for _ in range(visits):
        visit_all()

    grown = objects_of_the_app() - before
    assert {name: count for name, count in grown.items() if count >= visits} == {}


def objects_of_the_app() -> Counter[str]:
    """Count the living instances of each class that the app defines."""
    gc.collect()
    kinds = (type(each) for each in gc.get_objects())
    return Counter(
        f"{each.__module__}.{each.__qualname__}"
        for each in kinds
        if str(each.__module__).startswith("app.")
    )
