"""gunicorn's worker, with our own responses to malformed requests.

gunicorn's responses and log lines repeat the malformed request, which may contain a set-up link.
Its responses also lack the security headers of all other responses.
"""

import socket
from concurrent.futures import Future
from http import HTTPStatus

from gunicorn import util
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.workers.gthread import TConn, ThreadWorker

from app.web.server.client_socket import ClientSocket
from app.web.server.security import HEADERS

_REFUSED: dict[type[BaseException], tuple[HTTPStatus, str]] = {
    LimitRequestLine: (HTTPStatus.REQUEST_URI_TOO_LONG, "The address is too long."),
    LimitRequestHeaders: (
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The request's headers are too large. In a browser, delete this host's cookies.",
    ),
    ExpectationFailed: (
        HTTPStatus.EXPECTATION_FAILED,
        "The request has an Expect header that is not supported.",
    ),
    UnsupportedTransferCoding: (
        HTTPStatus.NOT_IMPLEMENTED,
        "This transfer coding is not supported.",
    ),
    ParseException: (HTTPStatus.BAD_REQUEST, "The request can't be understood."),
    BaseException: (HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong in Deploy Agent."),
}


class Worker(ThreadWorker):
    """Responds with our headers, repeats no input, and disconnects clients that are too slow."""

    def enqueue_req(self, conn: TConn) -> None:
        """Start the client's deadline, and give a thread to its request."""
        if not isinstance(conn.sock, ClientSocket):
            conn.sock = ClientSocket(conn.sock)
        conn.sock.begin()
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> bool:
        """Respond, then close a finished connection in this request's thread.

        gunicorn closes it in the one thread that accepts all connections, and waits up to two
        seconds for each client that does not close its end.
        """
        goes_on = super().handle(conn)
        if not goes_on:
            util.close_graceful(conn.sock)
        return goes_on

    def finish_request(self, conn: TConn, fs: Future[bool]) -> None:
        if conn.sock.fileno() == -1:
            self.nr_conns -= 1
        else:
            super().finish_request(conn, fs)

    def handle_error(
        self,
        req: object,
        client: socket.socket,
        addr: str | int | tuple[str, int],
        exc: BaseException,
    ) -> None:
        kind = next(kind for kind in _REFUSED if isinstance(exc, kind))
        if kind is BaseException:
            self.log.exception("A request failed before it was answered")
        else:
            name = addr[0] if isinstance(addr, tuple) else "a socket"
            self.log.warning("%s sent a malformed request: %s", name, type(exc).__name__)
        try:
            util.write_nonblock(client, _answer(*_REFUSED[kind]))
        except OSError:
            self.log.debug("the client did not wait for the answer")


def _answer(status: HTTPStatus, words: str) -> bytes:
    body = f"{words}\n"
    headers = {
        **HEADERS,
        "Cache-Control": "no-store",
        "Connection": "close",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body]).encode("ascii")
