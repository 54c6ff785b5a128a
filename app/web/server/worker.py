"""gunicorn's worker, with answers of our own to what can't be read as a request.

gunicorn's answers and its log repeat what was sent, which may be the path of a set-up link, and
its answers lack the headers that all others have.
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
    ExpectationFailed: (HTTPStatus.EXPECTATION_FAILED, "What the request expects isn't met here."),
    UnsupportedTransferCoding: (HTTPStatus.NOT_IMPLEMENTED, "This transfer coding is not known."),
    ParseException: (HTTPStatus.BAD_REQUEST, "This is no request that can be understood."),
    BaseException: (HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong in Deploy Agent."),
}


class Worker(ThreadWorker):
    """Answers with the usual headers, repeats nothing that was sent, hangs up on slow clients."""

    def enqueue_req(self, conn: TConn) -> None:
        """Give a thread to a client that starts a request."""
        if not isinstance(conn.sock, ClientSocket):
            conn.sock = ClientSocket(conn.sock)
        conn.sock.begin()
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> bool:
        """Answer, and wait here until the client closes a connection that is over.

        gunicorn waits in the one thread that accepts all connections: two seconds for each
        client that does not close its end.
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
            self.log.warning("%s sent what is no request: %s", name, type(exc).__name__)
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
