"""Launches, one and twenty at once, compared with a shell's `docker compose up` in folders."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from app.core.operations.operation import OperationState
from bench.fleet import Fleet, fleet
from bench.tables import Table
from tests.support.server import Server
from tests.support.waiting import eventually

_COUNT = 20
# A single launch shows the cost of the operation's process in addition to Compose.
_SHELLS = ((1, 1), (_COUNT, 2), (_COUNT, 4), (_COUNT, 8))


def launches() -> Table:
    table = Table(
        "Launches of the stand-in started at once, until the last one runs, in s",
        ("how many", "what", "seconds"),
        "At the end, the shell's containers are up; ours have passed every readiness check.",
    )
    for count, parallel in _SHELLS:
        with fleet() as made:
            made.grow(count)
            what = f"`docker compose up -d`, {parallel} at a time"
            table.add(count, what, _by_shell(made, parallel))
    for count in (1, _COUNT):
        with fleet() as made:
            made.grow(count)
            server = made.server().start()
            try:
                table.add(count, "ours", _ours(made, server))
            finally:
                server.stop()
    return table


def _by_shell(made: Fleet, parallel: int) -> float:
    begun = time.perf_counter()
    with ThreadPoolExecutor(parallel) as pool:
        list(pool.map(lambda each: _up(made, each), made.ids))
    return time.perf_counter() - begun


def _up(made: Fleet, deployment_id: str) -> None:
    command = ["docker", "compose", "up", "-d", "--quiet-pull"]
    subprocess.run(command, cwd=made.root / deployment_id, check=True, capture_output=True)


def _ours(made: Fleet, server: Server) -> float:
    begun = time.perf_counter()
    for each in made.ids:
        status, answer = server.call("POST", "launch", {"deployment_id": each, "wait": False})
        assert status == 202, answer

    def ended() -> bool:
        states = [_state(server, each) for each in made.ids]
        assert OperationState.FAILED not in states, states
        return set(states) == {OperationState.SUCCEEDED}

    eventually(ended, within=600, every=0.1)
    return time.perf_counter() - begun


def _state(server: Server, deployment_id: str) -> str:
    return str(server.call("GET", f"operations/{deployment_id}/1")[1]["state"])
