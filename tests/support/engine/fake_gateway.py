"""A fake gateway: a test sets its answer to each path."""

import base64
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable

Answer = Callable[[socket.socket, str], None]


class FakeGateway:
    """A listener that calls the test's function for a path to answer a request."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.answers = answers
        self.ended = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            thread.start()
            self.threads.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                request = connection.recv(65536).decode()
                if request:
                    self.answers[request.split(" ")[1]](connection, request)
            except OSError:
                return

    def close(self) -> None:
        self.ended.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(5)
            assert not thread.is_alive()


def good(connection: socket.socket, _request: str) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def accept_websocket(connection: socket.socket, request: str) -> None:
    key = next(
        line.split(": ")[1]
        for line in request.split("\r\n")
        if line.lower().startswith("sec-websocket-key")
    )
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


def frame(text: str) -> bytes:
    data = text.encode()
    if len(data) < 126:
        return bytes((0x81, len(data))) + data
    return b"\x81\x7f" + struct.pack(">Q", len(data)) + data


CHALLENGE = frame(json.dumps({"type": "event", "event": "connect.challenge", "payload": {}}))


def greet_then(answer: Callable[[str], str]) -> Answer:
    """Return an answer that sends a gateway's greeting, then answers the `connect` request."""

    def serve(connection: socket.socket, request: str) -> None:
        accept_websocket(connection, request)
        connection.sendall(CHALLENGE)
        header = connection.recv(2)
        length = header[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", connection.recv(2))
        mask, data = connection.recv(4), b""
        while len(data) < length:
            data += connection.recv(length - len(data))
        text = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data)).decode()
        connection.sendall(frame(answer(json.loads(text)["id"])))

    return serve
