"""Start operations without loading their program, which takes most of a short operation's time.

Each operation is a separate process in a separate session, like `python -m app.operation FOLDER
NUMBER LOCK`. It is forked from a process that has only loaded the program. Operations of a real
server or of a separate command are not preloaded. For a preloaded operation, `ps` shows the
arguments of the process that loaded the program.
"""

import os
import pickle
import runpy
import select
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from threading import Lock
from typing import IO, Any

from app.config import PROJECT
from app.loading import loading

_COMMAND = [sys.executable, "-m", "app.operation"]
_LARGEST_MESSAGE = 65536


class PreloadedOperations:
    """A stand-in for `subprocess.Popen` that forks operations from a loaded process."""

    def __init__(self) -> None:
        self._calls, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._one_at_a_time = Lock()
        self._started: list[PreloadedOperation] = []
        self._popen = subprocess.Popen

    def __getitem__(self, text: type) -> Any:
        return self._popen[text]  # For annotations such as `subprocess.Popen[bytes]`.

    def __call__(
        self, command: Sequence[str], **more: Any
    ) -> "subprocess.Popen[Any] | PreloadedOperation":
        """Fork a preloaded operation. Start any other command with `subprocess.Popen`."""
        if list(command[:3]) != _COMMAND:
            return self._popen(command, **more)
        operation = self._start(command, **more)
        self._started = [each for each in self._started if not each.has_ended()] + [operation]
        return operation

    def _start(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        stderr: IO[bytes],
        pass_fds: Sequence[int],
        **_: object,
    ) -> "PreloadedOperation":
        [lock] = pass_fds
        ended, end = os.pipe()
        with self._one_at_a_time:
            call = pickle.dumps((list(command[3:-1]), dict(env)))
            socket.send_fds(self._calls, [call], [lock, stderr.fileno(), end])
            pid = int(self._calls.recv(_LARGEST_MESSAGE))
        os.close(end)
        return PreloadedOperation(pid, ended)

    def kill_running(self) -> None:
        """Kill the running operations and all processes that they started."""
        for each in self._started:
            if not each.has_ended():
                with suppress(ProcessLookupError):
                    os.killpg(each.pid, signal.SIGKILL)
                each.wait(10)
        self._started = []

    def close(self) -> None:
        self._calls.close()
        self._process.wait(20)


class PreloadedOperation:
    """The methods of `subprocess.Popen` that callers use. The operation's end closes `ended`."""

    def __init__(self, pid: int, ended: int) -> None:
        self.pid = pid
        self._ended = ended
        weakref.finalize(self, os.close, ended)

    def wait(self, timeout: float | None = None) -> None:
        end = select.poll()
        end.register(self._ended)
        if not end.poll(None if timeout is None else timeout * 1000):
            raise subprocess.TimeoutExpired("app.operation", timeout or 0)

    def has_ended(self) -> bool:
        try:
            self.wait(0)
        except subprocess.TimeoutExpired:
            return False
        return True


def main() -> None:
    with loading():
        import_module("app.usecases.operations.perform")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # The kernel reaps the operations.
    with socket.socket(fileno=int(sys.argv[1])) as calls:
        while True:
            call, files, *_ = socket.recv_fds(calls, _LARGEST_MESSAGE, 3, socket.MSG_CMSG_CLOEXEC)
            if not call:
                return
            pid = os.fork()
            if not pid:
                break
            calls.send(str(pid).encode())
            for each in files:
                os.close(each)
    become_operation(*pickle.loads(call), *files)
    runpy.run_module("app.operation", run_name="__main__", alter_sys=True)


def become_operation(
    arguments: list[str], environment: dict[str, str], lock: int, stderr: int, end: int
) -> None:
    """Give this process the state of a separately started operation. Its end closes `end`."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(stderr, 2)
    sys.argv = ["app.operation", *arguments, str(lock)]
    os.environ.clear()
    os.environ.update(environment)


if __name__ == "__main__":
    main()
