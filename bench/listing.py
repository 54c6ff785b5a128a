"""List and status: the older server's `docker compose ps`, `docker ps`, the bare socket, ours."""

import http.client
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.engine.client import engine_address
from app.store.deployments import DeploymentStore
from bench.fleet import Fleet, fleet
from bench.measure import load, run, timed
from bench.tables import Table
from tests.support.server import Server
from tests.support.waiting import eventually

_LIST = "/api/deploy/list"
_RUNNING = (1, 10, 30, 100)
_FOLDERS = (1_000, 10_000)
# The snapshot's time to live is about a second. A process is slower after an idle time, so the
# bare calls wait just as long.
_OLD_SNAPSHOT_SECONDS = 1.2
# gunicorn closes a connection that was idle for two seconds.
_KEPT_OPEN_SECONDS = 1.6
# Containers younger than a minute are inspected, since they may be in a crash loop.
_SETTLED_SECONDS = 65
_BEGUN_SECONDS = 10


class _EngineSocket(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(engine_address().removeprefix("unix://"))


def running() -> Table:
    table = Table(
        "List and status of N running deployments, in ms (median)",
        (
            "N",
            "`docker compose ps`, one by one",
            "`docker ps`",
            "bare socket, cold",
            "bare socket, again at once",
            "ours, cold",
            "ours, warm",
            "cold: times faster",
            "warm: times faster",
            "20 clients: p50",
            "20 clients: p99",
        ),
        "Cold: the snapshot has expired. The older server read the status once, as in the first"
        " column, and then always answered from memory.",
    )
    with fleet() as made, _served(made) as (server, get):
        for count in _RUNNING:
            made.grow(count)
            made.run(count)
            time.sleep(_SETTLED_SECONDS)
            older = timed(lambda: _compose_ps(made), 3 if count <= 10 else 1)
            plain = timed(lambda: run("docker", "ps", "--all", "--format", "json"), 10)
            read = _bare_read()
            bare_cold, cold = (timed(each, 20, before=_sleep) for each in (read, get))
            bare = timed(read, 30)
            warm = timed(get, 200)
            many = load(f"{server.url}{_LIST}", 20)
            table.add(
                count,
                *(each.median for each in (older, plain, bare_cold, bare, cold, warm)),
                *(older.median / each.median for each in (cold, warm)),
                many.p50,
                many.p99,
            )
    return table


def folders() -> Table:
    table = Table(
        "N folders, none of them running, in ms",
        ("N", "first scan", "scan again", "`ls` of each, bare", "API list", "an edit is listed"),
        "Bare: one `stat` of each `.env` and `docker-compose.yml`.",
    )
    with fleet() as made:
        for count in _FOLDERS:
            made.grow(count)
            store = DeploymentStore(made.root)
            first, again = timed(store.scan, 1), timed(store.scan, 5)
            bare = timed(lambda: _stat_each(made), 5)
            with _served(made) as (_, get):
                get()
                # After its start the server searches every folder for missed incidents.
                time.sleep(_BEGUN_SECONDS)
                listed = timed(get, 10)
                noticed = timed(lambda: _until_listed(made, get), 3)
            table.add(count, *(each.median for each in (first, again, bare, listed, noticed)))
    return table


@contextmanager
def _served(made: Fleet) -> Iterator[tuple[Server, Callable[[], bytes]]]:
    """Start a server; yield it and a function that gets the list over a kept-open connection."""
    server = made.server().start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    asked = 0.0

    def get() -> bytes:
        nonlocal asked
        if time.monotonic() - asked > _KEPT_OPEN_SECONDS:
            connection.close()
        asked = time.monotonic()
        connection.request("GET", _LIST)
        answer = connection.getresponse()
        data = answer.read()
        assert answer.status == 200, data
        return data

    try:
        yield server, get
    finally:
        connection.close()
        server.stop()


def _compose_ps(made: Fleet) -> None:
    for each in made.ids:
        file = made.root / each / "docker-compose.yml"
        run("docker", "compose", "-f", str(file), "ps", "--format", "json")


def _sleep() -> None:
    time.sleep(_OLD_SNAPSHOT_SECONDS)


def _bare_read() -> Callable[[], object]:
    connection = _EngineSocket("localhost")

    def read() -> bytes:
        connection.request("GET", "/containers/json?all=1")
        return connection.getresponse().read()

    return read


def _stat_each(made: Fleet) -> None:
    with os.scandir(made.root) as entries:
        for each in entries:
            for name in (".env", "docker-compose.yml"):
                Path(each.path, name).exists()


def _until_listed(made: Fleet, get: Callable[[], bytes]) -> None:
    """Rename a deployment in its `.env`, and wait until the list shows the new name."""
    name = f"Renamed {time.monotonic_ns()}"
    file = made.root / made.ids[-1] / ".env"
    lines = [line for line in file.read_text().splitlines() if "DEPLOYMENT_NAME" not in line]
    file.write_text("\n".join([*lines, f"DEPLOYMENT_NAME='{name}'", ""]))
    eventually(lambda: name.encode() in get())
