"""gunicorn's worker, where it answers by itself: to what can't be read as a request.

gunicorn's own answers repeat what was sent, and so does its log, which may be the path
of a set-up link; and they carry none of the headers that every other answer has.
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
    """Answers with the headers of all answers, repeats nothing of what was sent, hangs up on
    who is too slow."""

    def enqueue_req(self, conn: TConn) -> None:
        """Give a thread to a client that begins a request."""
        if not isinstance(conn.sock, ClientSocket):
            conn.sock = ClientSocket(conn.sock)
        conn.sock.begin()
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> bool:
        """Answer, and wait here for the client's end of a connection that is over.

        gunicorn does so on the one thread that takes all others' connections: two seconds
        for each client that does not close its end.
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
            self.log.debug("It did not wait for the answer")


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
