"""The list as page and as fragment, compared with the same bytes from plain Flask and Jinja."""

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.fleet import fleet
from bench.measure import Load, load
from bench.tables import Table
from tests.support.server import free_port
from tests.support.waiting import eventually

_ROWS = 30
_CLIENTS = 8
_TURNS = 5
_KINDS = {"page": "Accept: */*", "fragment": "HX-Request: true"}

# Serves the same bytes: the page around the rows is one text, and the rows are a list.
_BARE = """
import re
from pathlib import Path
from flask import Flask, render_template_string
from markupsafe import Markup

text = Path({path!r}).read_text()
rows = [Markup(each) for each in re.findall("<tr.*?</tr>", text, re.DOTALL)]
around = re.split("(?:<tr.*?</tr>\\\\s*)+", text, maxsplit=1, flags=re.DOTALL)
before, after = (Markup(each) for each in (around[0], around[-1]))
app = Flask("bare")

@app.get("/")
def index():
    return render_template_string(
        "{{{{ before }}}}{{% for row in rows %}}{{{{ row }}}}{{% endfor %}}{{{{ after }}}}",
        before=before, rows=rows, after=after,
    )
"""


def pages() -> Table:
    table = Table(
        f"The list of {_ROWS} running deployments under load ({_CLIENTS} clients)",
        ("what", "bare, a second", "ours, a second", "ours of bare", "bare p99", "p50", "p99"),
        "Bare: Flask and Jinja serve the same bytes under the same gunicorn. Times in ms.",
    )
    with fleet() as made:
        made.grow(_ROWS)
        made.run(_ROWS)
        server = made.server().start()
        try:
            for kind, header in _KINDS.items():
                text = _fetched(server.port, header)
                with _bare_server(made.root.parent, text) as plain:
                    # Alternate the servers, so that other load on the machine affects both.
                    both = [
                        (
                            load(f"http://127.0.0.1:{plain.port}/", _CLIENTS),
                            load(f"{server.url}/", _CLIENTS, header=header),
                        )
                        for _ in range(_TURNS)
                    ]
                bare, ours = (_middle(each) for each in zip(*both, strict=True))
                table.add(
                    kind,
                    bare.per_second,
                    ours.per_second,
                    f"{ours.per_second / bare.per_second:.0%}",
                    bare.p99,
                    ours.p50,
                    ours.p99,
                )
        finally:
            server.stop()
    return table


def _middle(loads: Sequence[Load]) -> Load:
    """Return the load with the median rate."""
    return sorted(loads, key=lambda each: each.per_second)[len(loads) // 2]


def start() -> Table:
    """Measure the time until the first page, and the memory after the first page."""
    table = Table(
        "Start, and memory",
        ("what", "bare Flask under gunicorn", "ours"),
        "Memory: unshared (USS) of all processes of the server, after the first page.",
    )
    with fleet() as made:
        made.grow(1)
        begun = time.perf_counter()
        with _bare_server(made.root.parent, "<tr></tr>") as bare:
            _fetched(bare.port, _KINDS["page"])
            bare_took, bare_holds = (time.perf_counter() - begun) * 1000, bare.memory
        begun = time.perf_counter()
        server = made.server().start()
        try:
            _fetched(server.port, _KINDS["page"])
            took = (time.perf_counter() - begun) * 1000
            assert server.process
            holds = _memory(server.process)
        finally:
            server.stop()
    table.add("to the first page, ms", bare_took, took)
    table.add("memory, MiB", bare_holds, holds)
    return table


@dataclass(frozen=True, slots=True)
class _Bare:
    port: int
    process: subprocess.Popen[bytes]

    @property
    def memory(self) -> float:
        return _memory(self.process)


@contextmanager
def _bare_server(folder: Path, text: str) -> Iterator[_Bare]:
    """Serve a text with plain Flask and Jinja, under gunicorn with the same number of threads."""
    (folder / "text").write_text(text)
    (folder / "bare.py").write_text(_BARE.format(path=str(folder / "text")))
    port = free_port()
    command = ["gunicorn", "--threads", "256", "-b", f"127.0.0.1:{port}", "-k", "gthread"]
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "-c", "/dev/null", "bare:app"],
        cwd=folder,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: _answers(port))
        yield _Bare(port, process)
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _fetched(port: int, header: str) -> str:
    name, value = header.split(": ")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/", headers={name: value})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 200, text
    return text


def _memory(process: subprocess.Popen[bytes]) -> float:
    first = psutil.Process(process.pid)
    return sum(each.memory_full_info().uss for each in (first, *first.children())) / 2**20
