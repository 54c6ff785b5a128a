"""Two servers on one folder, with many callers, manual edits and manual `docker` commands.

Each deployment's history gives the order of its operations on both servers. By this order, every
answer must be right at some time during its call.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import docker
import pytest

from app.store.locks import is_locked
from demo.cleaning import operation_processes
from tests.support.crash.callers import CALLERS, Callers
from tests.support.crash.consistency import ENGINE_SECONDS, Consistency
from tests.support.engine.images import STANDIN
from tests.support.server import Server
from tests.support.soak import rounds
from tests.support.waiting import eventually

_PROJECT = "com.docker.compose.project"
_AT_REST = {"configured", "running", "stopped", "failed"}

Row = tuple[str, int, str, list[str]]


@pytest.fixture
def servers(deployments_dir: Path, tmp_path: Path) -> Iterator[list[Server]]:
    two = [
        Server(
            deployments_dir, tmp_path / f"{name}.log", image=STANDIN, engine_timeout=ENGINE_SECONDS
        )
        for name in ("one", "two")
    ]
    with ThreadPoolExecutor() as both:
        list(both.map(Server.start, two))
    yield two
    for each in two:
        each.stop()


def test_every_answer_is_consistent_with_the_order_of_operations(
    servers: list[Server],
    deployments_dir: Path,
    engine: docker.APIClient,
    pytestconfig: pytest.Config,
) -> None:
    seed = int(os.environ.get("SEED", "7"))
    steps, patience = rounds(pytestconfig, 4, 60), rounds(pytestconfig, 0, 50) / 100
    callers = Callers(servers, deployments_dir, engine, patience)

    with ThreadPoolExecutor(CALLERS) as pool:
        calling = [pool.submit(callers.run, each, seed, steps) for each in range(CALLERS)]
        _, waiting = wait(calling, rounds(pytestconfig, 120, 1800))
    assert not waiting, "somebody waits for ever"
    for each in calling:
        each.result()
    eventually(lambda: not operation_processes(deployments_dir))

    consistency = Consistency(deployments_dir, callers.calls)
    assert consistency.wrong() == []
    assert consistency.unexplained() == []
    assert consistency.lost() == []
    assert_agreed(servers, engine, deployments_dir, callers.ids)


def assert_agreed(
    servers: list[Server], engine: docker.APIClient, root: Path, ids: Sequence[str]
) -> None:
    """Assert that both servers and the engine agree, and that nothing is locked or duplicate."""

    def agreed() -> list[Row]:
        one, other = map(rows_of, servers)
        running = {deployment_id for deployment_id, _, status, _ in one if status == "running"}
        return one if one == other and running == running_in(engine, ids).keys() else []

    rows = eventually(agreed, within=20)
    archived = [each["deployment_id"] for each in servers[0].call("GET", "archived")[1]]
    assert sorted([*archived, *(each for each, *_ in rows)]) == sorted(ids)
    ports = [port for _, port, *_ in rows]
    assert len(set(ports)) == len(ports), rows
    published = running_in(engine, ids)
    for deployment_id, port, status, drift in rows:
        assert not is_locked(root / deployment_id), deployment_id
        assert status in _AT_REST, rows
        assert published.get(deployment_id, port) == port or drift, rows


def rows_of(server: Server) -> list[Row]:
    rows = server.call("GET", "list")[1]
    return [(each["deployment_id"], each["port"], each["status"], each["drift"]) for each in rows]


def running_in(engine: docker.APIClient, ids: Sequence[str]) -> dict[str, int]:
    """Return the port of each deployment's running container, as the engine reports it."""
    running = engine.containers(filters={"label": _PROJECT, "status": "running"})
    return {
        each["Labels"][_PROJECT]: max(port.get("PublicPort", 0) for port in each["Ports"])
        for each in running
        if each["Labels"][_PROJECT] in ids
    }
