"""A container's log from the engine, line by line, with stdout and stderr kept apart.

The SDK's own `logs` joins both streams, so this module uses the SDK's HTTP session directly.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import requests
from urllib3.exceptions import HTTPError

from app.core.logs.frames import LogFrames
from app.core.logs.lines import RawLine
from app.engine.client import EngineClient, Parameters, ask

_PORTION = 64 * 1024


class LogStream:
    """One log request's answer from the engine. Any thread may call `close`."""

    def __init__(self, client: EngineClient, response: requests.Response) -> None:
        self._client = client
        self._response = response
        self._frames = LogFrames()
        self._closed = False
        # After the answer's end, the connection returns to the pool and serves another call.
        connection = response.raw.connection
        self._socket: socket.socket | None = connection.sock if connection else None
        self._lock = threading.Lock()

    def batches(self) -> Iterator[list[RawLine]]:
        """Yield lines as they arrive, until the log ends or is closed. Raises EngineError."""
        try:
            with self._client.calls():
                yield from self._read()
            yield self._frames.end()
        finally:
            with self._lock:
                self._socket = None
            self._response.close()

    def _read(self) -> Iterator[list[RawLine]]:
        try:
            for data in self._response.raw.stream(_PORTION):
                if lines := self._frames.feed(data):
                    yield lines
        except (HTTPError, OSError) as error:
            if not self._closed:
                raise requests.ConnectionError(error) from error

    def endless(self) -> "LogStream":
        """Wait for the next line without a timeout."""
        if self._socket:
            self._socket.settimeout(None)
        return self

    def close(self) -> None:
        self._closed = True
        with self._lock, suppress(OSError):
            if self._socket:
                self._socket.shutdown(socket.SHUT_RDWR)


class LogSource:
    def __init__(self, client: EngineClient) -> None:
        self._client = client

    def open(
        self,
        container_id: str,
        *,
        tail: int | None = None,
        since: str | None = None,
        follow: bool = False,
    ) -> LogStream:
        """Open a container's log: the last lines, the lines since a time, or all lines.

        `since` is inclusive, in seconds since 1970 with up to nine digits after the point.
        Raises EngineError, and NotFound if there is no such container.
        """
        parameters: Parameters = {
            "stdout": 1,
            "stderr": 1,
            "timestamps": 1,
            "follow": int(follow),
            "tail": "all" if tail is None else tail,
            "since": since,
        }
        with self._client.calls() as engine:
            response = ask(engine, f"/containers/{container_id}/logs", parameters, stream=True)
        stream = LogStream(self._client, response)
        return stream.endless() if follow else stream
