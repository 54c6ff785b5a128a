"""Timeouts for clients: to send a request, and to read each part of the response.

gunicorn itself has no such timeouts, and each client holds a thread: many clients that stop in the
middle of a header would block everybody else. Receiving has one deadline for the whole request,
however small its pieces. Sending has a new deadline for each part of the response, so that a
stream lasts as long as the client reads.
"""

import errno
import socket
import time
from typing import Any

READ_SECONDS = 20.0
WRITE_SECONDS = 30.0


class ClientSocket(socket.socket):
    """A client's socket that disconnects a client that is too slow.

    It raises the same errors as if the client had disconnected. gunicorn handles these errors
    without a traceback, and responds to an incomplete body.
    """

    def __init__(self, given: socket.socket) -> None:
        super().__init__(fileno=given.detach())
        self.begin()

    def begin(self) -> None:
        """Start the deadline for receiving one request."""
        self._deadline = time.monotonic() + READ_SECONDS

    def recv(self, *arguments: Any) -> bytes:
        allowed, left = self.gettimeout(), self._deadline - time.monotonic()
        if allowed is not None and allowed < left:
            return super().recv(*arguments)
        if left <= 0:
            raise _disconnected(errno.ECONNRESET)
        self.settimeout(left)
        try:
            return super().recv(*arguments)
        except TimeoutError:
            raise _disconnected(errno.ECONNRESET) from None
        finally:
            self.settimeout(allowed)

    def sendall(self, *arguments: Any) -> None:
        allowed = self.gettimeout()
        self.settimeout(WRITE_SECONDS if allowed is None else allowed)
        try:
            super().sendall(*arguments)
        except TimeoutError:
            raise _disconnected(errno.EPIPE) from None
        finally:
            self.settimeout(allowed)


def _disconnected(number: int) -> OSError:
    return OSError(number, "The client is too slow")
