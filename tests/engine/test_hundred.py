"""A hundred gateways on one unmodified engine, each in a separate small network."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import docker
import pytest

from tests.support.api import API_KEY
from tests.support.engine.gateway_network import GatewayNetwork
from tests.support.engine.own_engine import OwnEngine
from tests.support.server import Server
from tests.support.waiting import eventually

pytestmark = [pytest.mark.usefixtures("own_engine"), pytest.mark.soak]

_COUNT = 100
# More parallel launches would save no time, because of the engine's own locks.
_AT_ONCE = 2
_LONG = 900


@pytest.fixture
def engine_of_all(own_engine: OwnEngine) -> Iterator[docker.APIClient]:
    client = docker.APIClient(base_url=own_engine.address, version="auto", timeout=120)
    yield client
    client.close()


def test_a_hundred_gateways_launch_stop_and_survive_an_engine_restart(
    own_engine: OwnEngine, server: Server, engine_of_all: docker.APIClient
) -> None:
    server.start()
    with timed(f"configure {_COUNT}"):
        ids = [called(server, "configure", openrouter_api_key=API_KEY) for _ in range(_COUNT)]
    ids = [each["deployment_id"] for each in ids]

    with timed(f"launch {_COUNT}, {_AT_ONCE} at a time"):
        in_parallel(ids, lambda each: called(server, "launch", deployment_id=each))
    assert statuses(server) == {"running": _COUNT}
    with timed("list, warm"):
        statuses(server)

    networks = engine_of_all.networks(filters={"label": "com.docker.compose.project"})
    subnets = {each["IPAM"]["Config"][0]["Subnet"] for each in networks}
    assert len(subnets) == _COUNT
    assert all(each.endswith("/28") for each in subnets)
    # The engine's default address pools, which hold 30 networks, are still unused.
    own_engine.docker("network", "create", "somebody-elses")
    own_engine.docker("network", "rm", "somebody-elses")
    assert room(server)["verdict"] in ("good", "warning"), room(server)

    gateways = [GatewayNetwork(engine_of_all, each) for each in ids]
    for own in gateways[:: max(1, _COUNT // 4)]:
        others = {each.address: each.port for each in gateways if each is not own}
        assert set(own.connect_to(others).values()) == {"timeout"}
    # One gateway is enough: the lookup of an unknown name goes outside and takes long without a
    # resolver.
    names = own.connect_to(dict.fromkeys(gateways[1].names, gateways[1].port))
    assert "connected" not in names.values(), names

    own_engine.stop()
    assert statuses(server) == {"unknown": _COUNT}
    with timed("until all run again after the engine's restart"):
        own_engine.start()
        eventually(lambda: statuses(server) == {"running": _COUNT}, within=_LONG, every=0.5)
    again = [GatewayNetwork(engine_of_all, each).container for each in ids]
    assert again == [each.container for each in gateways]

    with timed(f"stop {_COUNT}, {_AT_ONCE} at a time"):
        in_parallel(ids, lambda each: called(server, "stop", deployment_id=each))
    assert statuses(server) == {"stopped": _COUNT}
    assert own_engine.docker("ps", "--all", "--quiet") == ""
    assert engine_of_all.networks(filters={"label": "com.docker.compose.project"}) == []


def called(server: Server, verb: str, **body: object) -> dict[str, Any]:
    """Call the API and wait for the operation's end, without a time limit."""
    status, answer = server.call("POST", verb, body)
    assert status in (200, 202), answer
    if status == 202:
        path = f"operations/{answer['deployment_id']}/{answer['operation']['id']}"
        eventually(lambda: server.call("GET", path)[1]["state"] == "succeeded", _LONG, every=1)
    return dict(answer)


def in_parallel(ids: Sequence[str], call: Callable[[str], object]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(call, ids))


def statuses(server: Server) -> Counter[str]:
    status, rows = server.call("GET", "list")
    assert status == 200
    return Counter(each["status"] for each in rows)


def room(server: Server) -> dict[str, Any]:
    findings = server.call("GET", "doctor")[1]["findings"]
    return dict(next(each for each in findings if each["code"] == "room"))


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the body took, for information only."""
    begun = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - begun:.1f} s")  # noqa: T201
