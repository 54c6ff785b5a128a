"""Malformed requests over a socket get one answer with all headers, without the request's text."""

import re
import socket
from collections.abc import Iterator

import pytest

from app.web.server.security import HEADERS
from tests.support.server import Server

CANARY = "canary-4d1e"
HOST = "Host: localhost\r\nConnection: close\r\n"
JSON = f"{HOST}Content-Type: application/json\r\n"
STOP = f"POST /api/deploy/stop HTTP/1.1\r\n{JSON}"
CHUNKED = f"{STOP}Transfer-Encoding: chunked\r\n"
HIDDEN = f"GET /setup/{CANARY} HTTP/1.1\r\n{HOST}\r\n"
MANY = "".join(f"X{number}: {CANARY}\r\n" for number in range(200))

# By name: the bytes to send, and the status of the first answer.
ATTACKS = {
    "two lengths": (f"{STOP}Content-Length: 2\r\nContent-Length: 99\r\n\r\n{{}}", 400),
    "length and chunks": (f"{CHUNKED}Content-Length: 5\r\n\r\n0\r\n\r\n{HIDDEN}", 400),
    "chunks with a space before the colon": (
        f"{STOP}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{HIDDEN}",
        400,
    ),
    "an unknown coding": (f"{STOP}Transfer-Encoding: x{CANARY}\r\n\r\n{HIDDEN}", 501),
    "an underscore for a dash": (
        f"{STOP}Transfer_Encoding: chunked\r\nContent-Length: 2\r\n\r\n{{}}{HIDDEN}",
        422,
    ),
    "a negative length": (f"{STOP}Content-Length: -1\r\n\r\n", 400),
    "a length with a sign": (f"{STOP}Content-Length: +2\r\n\r\n{{}}", 400),
    "a chunk of negative length": (f"{CHUNKED}\r\n-1\r\n{HIDDEN}", 400),
    "a bare line feed in a chunk's extension": (
        f"{CHUNKED}\r\n2;{CANARY}\nb\r\n{{}}\r\n0\r\n\r\n{HIDDEN}",
        400,
    ),
    "a request as the body of another": (
        f"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(HIDDEN)}\r\n\r\n"
        f"{HIDDEN}GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: end\r\n\r\n",
        200,
    ),
    "a folded header": (f"GET / HTTP/1.1\r\n{HOST}X: a\r\n {CANARY}\r\n\r\n", 400),
    "bare line feeds": (f"GET /{CANARY} HTTP/1.1\nHost: localhost\n\n", 400),
    "two hosts": (f"GET /{CANARY} HTTP/1.1\r\n{HOST}Host: evil.example\r\n\r\n", 400),
    "no host": ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    "a host with a user": (
        "GET / HTTP/1.1\r\nHost: localhost@evil.example\r\nConnection: close\r\n\r\n",
        400,
    ),
    "an absolute address of a foreign host": (
        "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        400,
    ),
    "another site in the path": (f"GET //evil.example/ HTTP/1.1\r\n{HOST}\r\n", 404),
    "a NUL in the line": (f"GET /{CANARY}\0 HTTP/1.1\r\n{HOST}\r\n", 400),
    "a NUL in a header": (f"GET / HTTP/1.1\r\n{HOST}X: {CANARY}\0\r\n\r\n", 400),
    "a NUL in an id": (f"GET /deployments/0123456789%00 HTTP/1.1\r\n{HOST}\r\n", 404),
    "an encoded line end": (f"GET /deployments/%0d%0aX:1 HTTP/1.1\r\n{HOST}\r\n", 404),
    "no UTF-8": (f"GET /deployments/%ff%fe HTTP/1.1\r\n{HOST}\r\n", 404),
    "a path out of the assets": (f"GET /assets/..%2f..%2fwsgi.py HTTP/1.1\r\n{HOST}\r\n", 404),
    "a method of markup": (f"<img/onerror={CANARY}> / HTTP/1.1\r\n{HOST}\r\n", 400),
    "another version": (f"GET /setup/{CANARY} HTTP/9.9\r\n{HOST}\r\n", 400),
    "a line without a version": (f"GET /setup/{CANARY}?token={CANARY}\r\n\r\n", 400),
    "a handshake of TLS": ("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n", 400),
    "the preface of HTTP/2": ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a proxy's own line": (f"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n{HIDDEN}", 400),
    "a tunnel": (f"CONNECT evil.example:443 HTTP/1.1\r\n{HOST}\r\n", 404),
    "a trace": (f"TRACE / HTTP/1.1\r\n{HOST}Cookie: a={CANARY}\r\n\r\n", 405),
    "an expectation": (f"{STOP}Expect: {CANARY}\r\nContent-Length: 2\r\n\r\n{{}}", 417),
    "a long address": (f"GET /{CANARY}{'a' * 9000} HTTP/1.1\r\n{HOST}\r\n", 414),
    "a large header": (f"GET / HTTP/1.1\r\n{HOST}X: {CANARY}{'a' * 20000}\r\n\r\n", 431),
    "many headers": (f"GET / HTTP/1.1\r\n{HOST}{MANY}\r\n", 431),
    # Requests with the headers of a proxy, from this machine, while no proxy is trusted.
    "passed on by TLS": (f"GET / HTTP/1.1\r\n{HOST}X-Forwarded-Proto: https\r\n\r\n", 303),
    "passed on by an older proxy": (f"GET / HTTP/1.0\r\n{HOST}\r\n", 303),
    "another path in a header": (f"GET / HTTP/1.1\r\n{HOST}PATH_INFO: /healthz\r\n\r\n", 200),
    "a prefix in a header": (f"GET / HTTP/1.1\r\n{HOST}SCRIPT_NAME: //evil.example\r\n\r\n", 200),
}


def answers_to(server: Server, sent: str) -> str:
    """Send a request, and return all that the server sends before it closes the connection."""
    came = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(sent.encode("latin-1"))
        try:
            while part := connection.recv(65536):
                came += part
        except ConnectionResetError:
            pass  # The server closed the connection before it read the whole request.
    return came.decode("utf-8", "replace")


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("raw")
    server = Server(folder / "deployments", folder / "log")
    yield server.start()
    server.stop()


@pytest.mark.parametrize("name", ATTACKS)
def test_malformed_requests_get_one_answer_that_repeats_nothing(
    open_server: Server, name: str
) -> None:
    sent, status = ATTACKS[name]
    logged = len(open_server.log.read_text())

    answer = answers_to(open_server, sent)

    statuses = [int(each) for each in re.findall(r"HTTP/1\.[01] (\d{3}) ", answer)]
    assert statuses[:1] == [status], answer
    # Only the attack with a second request in the body gets a second answer, a refusal.
    assert statuses[1:] == ([400] if name == "a request as the body of another" else [])
    head = answer.partition("\r\n\r\n")[0]
    for header, value in HEADERS.items():
        assert f"\r\n{header}: {value}" in head
    assert "Strict-Transport-Security" not in head
    assert CANARY not in answer
    assert "//evil.example" not in answer
    log = open_server.log.read_text()[logged:]
    assert CANARY not in log
    assert "Traceback" not in log
