"""A gate in front of the real engine: a socket that a test can close, hold or slow down."""

import contextlib
import re
import socket
import threading
from pathlib import Path

import pytest

from app.engine.client import engine_address

# For modules that shut the gate. After a failed connect, Docker's client leaves its socket to the
# garbage collector, which must run in that module and not during another module's tests.
LEAVES_SOCKETS = [
    pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("collected"),
]


class EngineGate:
    """Listen on a socket and pass all bytes on to the engine and back.

    `hold` delays all bytes, as a hung engine does. `shut` closes all connections and removes the
    socket, as a stopped engine does. `open` ends `hold` and `shut`. `slow` delays each answer.
    `asked` lists all requests, each as method and path.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.address = f"unix://{path}"
        self.asked: list[str] = []
        self._engine = engine_address().removeprefix("unix://")
        self._passing = threading.Event()
        self._delay = 0.0
        self._hurried = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.open()

    def open(self) -> None:
        self._passing.set()
        if self._listener is None:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(self.path))
            self._listener.listen(64)
            self._start(self._accept, self._listener)

    def hold(self) -> None:
        self._passing.clear()

    def slow(self, seconds: float) -> None:
        self._delay = seconds

    def shut(self) -> None:
        self._passing.set()
        self._hurried.set()
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
            self.path.unlink()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for each in self._sockets:
            each.close()
        self._sockets, self._threads = [], []

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        thread.start()
        self._threads.append(thread)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                ours, _ = listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(self._engine)
            self._sockets += [ours, engine]
            self._start(self._pass_on, ours, engine)
            self._start(self._pass_on, engine, ours, True)

    def _note(self, data: bytes) -> None:
        if request := re.match(rb"[A-Z]+ /\S+", data):
            self.asked.append(request[0].decode())

    def _pass_on(
        self, source: socket.socket, target: socket.socket, is_answer: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not is_answer:
                    self._note(data)
                self._passing.wait()
                if is_answer and self._delay:
                    self._hurried.wait(self._delay)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
