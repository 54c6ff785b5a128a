"""Time from a change (a gateway ends, a file is edited) until an open page shows the change."""

import re
import threading
import time
from collections.abc import Callable

import docker
import psutil

from app.engine.client import engine_address
from bench.fleet import Fleet, fleet
from bench.measure import Figures
from bench.tables import Table
from tests.support.server import Server
from tests.support.streams import Stream
from tests.support.waiting import eventually

_TRIES = 20
_TABS = 50
_IDLE_SECONDS = 20
_SETTLE_SECONDS = 8


class _Events:
    """The engine's events for one deployment, with arrival times."""

    def __init__(self, deployment_id: str) -> None:
        client = docker.APIClient(base_url=engine_address(), version="auto", timeout=3600)
        label = f"com.docker.compose.project={deployment_id}"
        self._events = client.events(filters={"label": label, "event": ["die"]}, decode=True)
        self.came: list[float] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for _ in self._events:
            self.came.append(time.perf_counter())

    def close(self) -> None:
        self._events.close()


def engine_to_eye() -> Table:
    table = Table(
        f"From the engine to an open page of the list, {_TRIES} tries, in ms",
        ("what", "bare, median", "ours, median", "ours minus bare", "ours, p95"),
        "Bare: the time until the engine's event stream reports that the gateway died. An edit has"
        " no bare time: the server checks files twice a second.",
    )
    with fleet() as made:
        made.grow(3)
        made.run(3)
        server = made.server().start()
        try:
            bare, ours = _stops(made, server)
            edits = _edits(made, server)
        finally:
            server.stop()
    beyond = Figures(tuple(b - a for a, b in zip(bare.all, ours.all, strict=True)))
    table.add(
        "`docker stop` → the row", bare.median, ours.median, beyond.median, ours.percentile(95)
    )
    table.add("`.env` edited → the row", "", edits.median, "", edits.percentile(95))
    return table


def idle_tabs() -> Table:
    table = Table(
        f"{_TABS} open pages of the list while nothing happens",
        ("what", "processor time, % of one core"),
        f"Over {_IDLE_SECONDS} s, with 30 running deployments that the server checks periodically.",
    )
    with fleet() as made:
        made.grow(30)
        made.run(30, answering=True)
        server = made.server().start()
        try:
            time.sleep(_SETTLE_SECONDS)
            alone = _busy(server)
            tabs = [Stream(server, "/stream") for _ in range(_TABS)]
            time.sleep(_SETTLE_SECONDS)
            with_tabs = _busy(server)
            for tab in tabs:
                tab.leave()
        finally:
            server.stop()
    table.add("no page open", alone)
    table.add(f"{_TABS} pages open", with_tabs)
    table.add("cost of the pages", with_tabs - alone)
    return table


def _stops(made: Fleet, server: Server) -> tuple[Figures, Figures]:
    own = made.ids[0]
    events, came, shown = _Events(own), [], []
    with Stream(server, "/stream") as page:
        for _ in range(_TRIES):
            before, told = len(page.messages), len(events.came)
            begun = time.perf_counter()
            made.engine.kill(f"{own}-openclaw-1", signal="SIGKILL")
            _until(lambda: _shows(page, before, own, ("failed", "stopped")))  # noqa: B023
            shown.append((time.perf_counter() - begun) * 1000)
            eventually(lambda: len(events.came) > told)  # noqa: B023
            came.append((events.came[-1] - begun) * 1000)
            before = len(page.messages)
            made.engine.start(f"{own}-openclaw-1")
            _until(lambda: _shows(page, before, own, ("running",)))  # noqa: B023
    events.close()
    return Figures(tuple(came)), Figures(tuple(shown))


def _edits(made: Fleet, server: Server) -> Figures:
    file = made.root / made.ids[1] / ".env"
    taken = []
    with Stream(server, "/stream") as page:
        eventually(lambda: page.messages)
        for number in range(_TRIES):
            name = f"Edited {number}."
            text = re.sub(r"DEPLOYMENT_NAME=.*", f"DEPLOYMENT_NAME='{name}'", file.read_text())
            begun = time.perf_counter()
            file.write_text(text)
            _until(lambda: any(name in each for each in page.messages))  # noqa: B023
            taken.append((time.perf_counter() - begun) * 1000)
    return Figures(tuple(taken))


def _shows(page: Stream, since: int, own: str, statuses: tuple[str, ...]) -> bool:
    rows = [each for each in page.messages[since:] if own in each]
    return any(f'data-status="{status}"' in each for each in rows for status in statuses)


def _until(seen: Callable[[], object]) -> None:
    eventually(seen, every=0.002)


def _busy(server: Server) -> float:
    assert server.process
    first = psutil.Process(server.process.pid)
    processes = [first, *first.children()]
    before = sum(sum(each.cpu_times()[:2]) for each in processes)
    time.sleep(_IDLE_SECONDS)
    after = sum(sum(each.cpu_times()[:2]) for each in processes)
    return (after - before) / _IDLE_SECONDS * 100
