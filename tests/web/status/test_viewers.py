"""Another open page costs the server no process and no engine call.

This needs a separate engine: on the machine's engine, changes of other tests' containers cause
calls.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing

import docker
import psutil
import pytest

from tests.support.engine.containers import run_container_of
from tests.support.engine.gate import EngineGate
from tests.support.engine.own_engine import OwnEngine
from tests.support.server import Server
from tests.support.soak import rounds
from tests.support.streams import Stream
from tests.support.waiting import eventually


def test_one_more_viewer_costs_no_process_and_no_engine_call(
    own_engine: OwnEngine, gate: EngineGate, server: Server, pytestconfig: pytest.Config
) -> None:
    server.start()
    deployment_id = server.configure()
    with closing(docker.APIClient(own_engine.address, version="auto")) as engine:
        run_container_of(engine, deployment_id)
    paths = ["/stream", *(f"/deployments/{deployment_id}{each}" for each in _STREAMS)]
    with ExitStack() as open_pages:
        _look(server, paths, open_pages)
        eventually(lambda: any("follow=1" in each for each in gate.asked))
        processes = _processes_of(server)

        begun, before = time.monotonic(), len(gate.asked)
        with ExitStack() as more:
            _look(server, paths * rounds(pytestconfig, 3, 15), more)
            asked = [_kind(each) for each in gate.asked[before:]]
            took = time.monotonic() - begun
            assert _processes_of(server) == processes

        # For all viewers together, one list request each second and one usage sample every five
        # seconds.
        assert set(asked) <= {"list", "sample"}
        assert asked.count("list") <= took + 2


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
