"""A slow client blocks only its own connection."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from app.web.server import client_socket
from app.web.server.client_socket import ClientSocket
from tests.support.server import Server
from tests.support.waiting import eventually

_HOST = b"Host: localhost\r\n"
_LONG = b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
# By name: the bytes that a client sends before it falls silent.
SLOW = {
    "nothing": b"",
    "half a line": b"GET / HT",
    "half a header": b"GET / HTTP/1.1\r\n" + _HOST + b"X: ",
    "half a body": b"POST /api/deploy/stop HTTP/1.1\r\n" + _HOST + _LONG + b"{",
    "all, and does not read": b"GET /stream HTTP/1.1\r\n" + _HOST + b"\r\n",
    "all, and does not close": b"GET /healthz HTTP/1.1\r\nConnection: close\r\n" + _HOST + b"\r\n",
}


@pytest.fixture
def clients(server: Server) -> Iterator[Callable[[bytes, int], list[socket.socket]]]:
    """Return a function that opens connections, which send these bytes and stay open."""
    with ExitStack() as opened:

        def open_many(sent: bytes, number: int) -> list[socket.socket]:
            address = ("127.0.0.1", server.port)
            made = [
                opened.enter_context(socket.create_connection(address, timeout=60))
                for _ in range(number)
            ]
            for each in made:
                each.sendall(sent)
            return made

        yield open_many


def test_fifty_slow_clients_of_each_kind_delay_nobody(
    server: Server, clients: Callable[[bytes, int], list[socket.socket]]
) -> None:
    server.start()
    before = time.monotonic()
    for name in SLOW:
        clients(SLOW[name], 30 if name == "nothing" else 50 if "close" in name else 25)

    assert server.call("GET", "list")[0] == 200
    # Not a benchmark. One after the other, the clients would take two seconds each.
    assert time.monotonic() - before < 25


@pytest.mark.soak
@pytest.mark.parametrize("name", [each for each in SLOW if each.startswith("half")])
def test_connections_beyond_the_threads_are_closed(
    server: Server, clients: Callable[[bytes, int], list[socket.socket]], name: str
) -> None:
    server.settings["threads"] = 8
    server.start()
    slow = clients(SLOW[name], 50)

    assert server.call("GET", "list")[0] == 200
    # Each connection gets an error or nothing, and is closed.
    for each in slow[:8]:
        last = b"".join(iter(lambda each=each: each.recv(65536), b""))
        assert (b" 400 " in last) == (name == "half a body")
    assert "Traceback" not in server.log.read_text()


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ClientSocket, socket.socket]]:
    monkeypatch.setattr(client_socket, "READ_SECONDS", 0.2)
    monkeypatch.setattr(client_socket, "WRITE_SECONDS", 0.2)
    ours, theirs = socket.socketpair()
    with ClientSocket(ours) as patient, theirs:
        yield patient, theirs


def test_a_request_has_one_deadline_however_slowly_it_arrives(
    pair: tuple[ClientSocket, socket.socket],
) -> None:
    patient, client = pair

    def one_more() -> bool:
        client.sendall(b"x")
        try:
            return patient.recv(1) != b"x"
        except ConnectionResetError:
            return True

    eventually(one_more, within=20)
    patient.begin()
    client.sendall(b"y")
    assert patient.recv(8)[-1:] == b"y"
    with pytest.raises(ConnectionResetError):
        patient.recv(1)
    assert patient.gettimeout() is None


def test_a_client_that_reads_nothing_is_cut_off(
    pair: tuple[ClientSocket, socket.socket],
) -> None:
    patient, _client = pair

    with pytest.raises(BrokenPipeError):
        patient.sendall(b"x" * 10_000_000)


def test_a_shorter_requested_deadline_counts(pair: tuple[ClientSocket, socket.socket]) -> None:
    patient, _client = pair
    patient.settimeout(0.01)

    with pytest.raises(TimeoutError):
        patient.recv(1)
