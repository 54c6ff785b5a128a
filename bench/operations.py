"""Twenty launches at once, against a shell that runs `docker compose up` in each folder."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from app.core.deployment import OperationState
from bench.fleet import Fleet, fleet
from bench.tables import Table
from tests.server import Server
from tests.waiting import eventually

_COUNT = 20
_AT_ONCE = (2, 4, 8)


def launches() -> Table:
    table = Table(
        f"{_COUNT} launches of the stand-in asked for at once, until the last one runs, in s",
        ("what", "seconds"),
        "The shell's containers are up then; ours have proven that they answer and take the token.",
    )
    for parallel in _AT_ONCE:
        with fleet() as made:
            made.grow(_COUNT)
            table.add(f"`docker compose up -d`, {parallel} at a time", _by_shell(made, parallel))
    with fleet() as made:
        made.grow(_COUNT)
        server = made.server().start()
        try:
            table.add("ours", _ours(made, server))
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

    eventually(ended, within=600, every=0.5)
    return time.perf_counter() - begun


def _state(server: Server, deployment_id: str) -> str:
    return str(server.call("GET", f"operations/{deployment_id}/1")[1]["state"])
