"""How long a client may take: to send a request, and to read each part of its answer.

gunicorn waits for both for ever, with a thread: as many clients that stop in the middle of
a header as there are threads, and nobody else is answered. What is read has one deadline
for the whole request, however small its pieces; what is written has one for each part, so
that a stream goes on for as long as somebody reads it.
"""

import errno
import socket
import time
from typing import Any

READ_SECONDS = 20.0
WRITE_SECONDS = 30.0


class ClientSocket(socket.socket):
    """A client's socket that hangs up on one that is too slow.

    That is told as what a client does that goes away in the middle: gunicorn knows how to
    end it quietly, and a body that breaks off is answered.
    """

    def __init__(self, given: socket.socket) -> None:
        super().__init__(fileno=given.detach())
        self.begin()

    def begin(self) -> None:
        """Let the time for one request begin."""
        self._deadline = time.monotonic() + READ_SECONDS

    def recv(self, *arguments: Any) -> bytes:
        allowed, left = self.gettimeout(), self._deadline - time.monotonic()
        if allowed is not None and allowed < left:
            return super().recv(*arguments)
        if left <= 0:
            raise _gone(errno.ECONNRESET)
        self.settimeout(left)
        try:
            return super().recv(*arguments)
        except TimeoutError:
            raise _gone(errno.ECONNRESET) from None
        finally:
            self.settimeout(allowed)

    def sendall(self, *arguments: Any) -> None:
        allowed = self.gettimeout()
        self.settimeout(WRITE_SECONDS if allowed is None else allowed)
        try:
            super().sendall(*arguments)
        except TimeoutError:
            raise _gone(errno.EPIPE) from None
        finally:
            self.settimeout(allowed)


def _gone(number: int) -> OSError:
    return OSError(number, "The client is too slow")
