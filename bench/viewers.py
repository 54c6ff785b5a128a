"""Many viewers of one log: the server's cost per viewer, and the delay for other viewers."""

import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

from bench.fleet import STANDIN, Fleet, fleet
from bench.measure import Figures
from bench.tables import Table
from tests.support.server import Server
from tests.support.streams import Stream
from tests.support.waiting import eventually

_VIEWERS = (1, 50, 200)
_LINES_A_SECOND, _SECONDS = 200, 10
_SETTLE_SECONDS = 3
# Each log line has a number and its time.
_SAYS = f"""
let number = 0
setInterval(() => {{
  for (let each = 0; each < {_LINES_A_SECOND // 50}; each++)
    console.log(`line ${{number++}} at ${{Date.now()}} said`)
}}, 20)
"""
_LINE = re.compile(r"line (\d+) at (\d+) said")


def viewers() -> Table:
    table = Table(
        f"N viewers of one log that grows by {_LINES_A_SECOND} lines a second",
        (
            "N",
            "additional processes",
            "additional threads",
            "KiB per viewer",
            "delay, median, ms",
            "delay, p95, ms",
            "lines lost or doubled",
            "engine connections",
        ),
        "One viewer is measured. In the last row, the other viewers never read.",
    )
    with fleet() as made:
        made.grow(1)
        _run_talker(made)
        for count in _VIEWERS:
            table.add(count, *_measured(made, count, reads=True))
        table.add("50, never reading", *_measured(made, 51, reads=False))
    return table


def _run_talker(made: Fleet) -> None:
    own = made.ids[0]
    container = made.engine.create_container(
        STANDIN,
        name=f"{own}-openclaw-1",
        entrypoint=["node", "-e", _SAYS],
        labels={
            "com.docker.compose.project": own,
            "com.docker.compose.service": "openclaw",
        },
        healthcheck={"test": ["NONE"]},
        host_config=made.engine.create_host_config(network_mode="none"),
    )
    made.engine.start(container)


def _measured(made: Fleet, count: int, *, reads: bool) -> Sequence[object]:
    server = made.server().start()
    path = f"/deployments/{made.ids[0]}/stream"
    try:
        time.sleep(_SETTLE_SECONDS)
        before = _Held.of(server)
        with _others(server, path, count - 1, reads), _Watched(server, path) as watched:
            time.sleep(_SETTLE_SECONDS)
            with_all = _Held.of(server)
            watched.begin()
            time.sleep(_SECONDS)
            delays, wrong = watched.end()
        return (
            with_all.processes - before.processes,
            with_all.threads - before.threads,
            (with_all.kib - before.kib) / count,
            delays.median,
            delays.percentile(95),
            wrong,
            with_all.engine_connections - before.engine_connections,
        )
    finally:
        server.stop()


class _Held:
    """Resources that a server's processes hold."""

    def __init__(self, processes: Sequence[psutil.Process]) -> None:
        self.processes = len(processes)
        self.threads = sum(each.num_threads() for each in processes)
        self.kib = sum(each.memory_full_info().uss for each in processes) / 1024
        unix = [link for each in processes for link in each.net_connections("unix")]
        self.engine_connections = len(unix)

    @classmethod
    def of(cls, server: Server) -> "_Held":
        assert server.process
        first = psutil.Process(server.process.pid)
        return cls([first, *first.children(recursive=True)])


class _Watched(Stream):
    """A viewer that records the delay of each line."""

    def __init__(self, server: Server, path: str) -> None:
        self._seen: list[tuple[int, float]] = []
        self._reading = False
        super().__init__(server, path)
        threading.Thread(target=self._look, daemon=True).start()

    def begin(self) -> None:
        self._reading = True

    def end(self) -> tuple[Figures, int]:
        """Return the delay of each line, and how many lines are missing or doubled."""
        self._reading = False
        numbers = [number for number, _ in self._seen]
        whole = range(numbers[0], numbers[-1] + 1)
        wrong = len(set(whole) - set(numbers)) + len(numbers) - len(set(numbers))
        return Figures(tuple(delay for _, delay in self._seen)), wrong

    def _look(self) -> None:
        looked_at = 0
        while not self.ended:
            eventually(lambda: self.ended or len(self.messages) > looked_at, every=0.001)  # noqa: B023
            now = time.time() * 1000
            messages = self.messages[looked_at:]
            looked_at += len(messages)
            if self._reading:
                lines = [found for message in messages for found in _LINE.findall(message)]
                self._seen += [(int(number), now - int(at)) for number, at in lines]


@contextmanager
def _others(server: Server, path: str, count: int, reads: bool) -> Iterator[None]:
    """Hold streams open. One thread reads and discards the lines, or nothing reads them."""
    sockets = [_begun(server, path) for _ in range(count)]
    stopped = threading.Event()

    def drain() -> None:
        while not stopped.wait(0.01):
            for each in sockets:
                with suppress(BlockingIOError):
                    each.recv(1 << 20)

    thread = threading.Thread(target=drain)
    if reads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        if reads:
            thread.join()
        for each in sockets:
            each.close()


def _begun(server: Server, path: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    connection.setblocking(False)
    return connection
