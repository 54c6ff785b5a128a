"""A webhook receiver that keeps all messages and answers with a test's statuses."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# This secret must appear nowhere, because it lets anybody write to the channel.
SECRET = "canary-webhook-77"
# As a status: close the connection without an answer.
HANG_UP = 0


class Receiver:
    """A receiver. `answers` are the next statuses, then 204. Answers wait until `going` is set."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.going = threading.Event()
        self.going.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.going.wait(30)
                status = receiver.answers.pop(0) if receiver.answers else 204
                if status == HANG_UP:
                    return
                if status < 300:
                    receiver.got.append(json.loads(body))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", receiver.url)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/{SECRET}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def events(self) -> list[str]:
        return [each["event"] for each in self.got]

    def close(self) -> None:
        self.going.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()
