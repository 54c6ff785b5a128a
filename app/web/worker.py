"""gunicorn's worker, where it answers by itself: to what can't be read as a request.

gunicorn's own answers repeat what was sent, and so does its log, which may be the path
of a set-up link; and they carry none of the headers that every other answer has.
"""

import socket
from http import HTTPStatus

from gunicorn import util
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.workers.gthread import ThreadWorker

from app.web.security import HEADERS

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
    """Answers with the headers of all answers, and repeats nothing of what was sent."""

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
