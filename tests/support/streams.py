"""Read a page's event stream without a browser."""

import http.client
import re
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.support.server import Server


class Stream:
    """Read events in a thread until the server ends the stream or `leave` is called.

    `messages` lists the HTML of each event; `names` lists the names of named events.
    """

    def __init__(self, server: Server, path: str, headers: Mapping[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._connection.request("GET", path, headers=dict(headers or {}))
        self._answer = self._connection.getresponse()
        self.status = self._answer.status
        self.type = self._answer.getheader("Content-Type") or ""
        self.messages: list[str] = []
        self.names: list[str] = []
        self.position = ""
        self.ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Disconnect in the middle of the stream, as a closed tab does."""
        if self._connection.sock:
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._connection.close()

    def parts(self, name: str) -> list[str]:
        """Return the HTML of every element with this id that the stream has sent so far."""
        found = re.compile(f'<hx-partial hx-target="#{name}"[^>]*>(.*?)</hx-partial>', re.DOTALL)
        return [html for message in self.messages for html in found.findall(message)]

    def _read(self) -> None:
        data: list[str] = []
        with suppress(OSError, http.client.HTTPException, ValueError):
            for raw in self._answer:
                line = raw.decode().removesuffix("\n")
                field, _, value = line.partition(": ")
                if field == "data":
                    data.append(value)
                elif field == "event":
                    self.names.append(value)
                elif field == "id":
                    self.position = value
                elif not line and data:
                    self.messages.append("\n".join(data))
                    data = []
        self.ended = True
