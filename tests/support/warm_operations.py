"""Operations without the time that their program takes to load: most of a short one's.

Each still is `python -m app.operation FOLDER NUMBER LOCK`, a process of its own in a session
of its own, and looks like it to everybody; but it is forked off a process that has loaded the
program and done nothing else. What a real server or a command starts is started as ever.
"""

import ctypes
import os
import pickle
import runpy
import select
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import IO

from app.config import PROJECT
from app.loading import loading

# The kernel shows as arguments and environment what is where they were when a process was
# started: this much room is there for those of an operation.
_ROOM = "-" * 8192
_MOST = 65536


class WarmOperations:
    """The process that operations are forked off, and a stand-in for `subprocess.Popen`."""

    def __init__(self) -> None:
        self._calls, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.support.warm_operations",
                    str(theirs.fileno()),
                    _ROOM,
                ],
                cwd=PROJECT,
                env={**os.environ, "ROOM": _ROOM},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._one_at_a_time = Lock()

    def start(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        stderr: IO[bytes],
        pass_fds: Sequence[int],
        **_: object,
    ) -> "WarmOperation":
        [lock] = pass_fds
        ended, end = os.pipe()
        with self._one_at_a_time:
            call = pickle.dumps((list(command[:-1]), dict(env)))
            socket.send_fds(self._calls, [call], [lock, stderr.fileno(), end])
            pid = int(self._calls.recv(_MOST))
        os.close(end)
        return WarmOperation(pid, ended)

    def end(self) -> None:
        self._calls.close()
        self._process.wait(20)


class WarmOperation:
    """As much of a `subprocess.Popen` as is asked of an operation's. Its end closes `ended`."""

    def __init__(self, pid: int, ended: int) -> None:
        self.pid = pid
        self._ended = ended
        weakref.finalize(self, os.close, ended)

    def wait(self, timeout: float | None = None) -> None:
        end = select.poll()
        end.register(self._ended)
        if not end.poll(None if timeout is None else timeout * 1000):
            raise subprocess.TimeoutExpired("app.operation", timeout or 0)


def main() -> None:
    with loading():
        import_module("app.usecases.operations.perform")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for them here.
    with socket.socket(fileno=int(sys.argv[1])) as calls:
        while True:
            call, files, *_ = socket.recv_fds(calls, _MOST, 3, socket.MSG_CMSG_CLOEXEC)
            if not call:
                return
            pid = os.fork()
            if not pid:
                break
            calls.send(str(pid).encode())
            for each in files:
                os.close(each)
    command, environment = pickle.loads(call)
    become(command, environment, *files)
    runpy.run_module(command[2], run_name="__main__", alter_sys=True)


def become(
    command: list[str], environment: dict[str, str], lock: int, stderr: int, end: int
) -> None:
    """Have what a process has that was started by itself. `end` stays open until it ends."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(stderr, 2)
    command.append(str(lock))
    sys.argv = command[2:]
    os.environ.clear()
    os.environ.update(environment)
    show(command, (f"{name}={value}" for name, value in environment.items()))


def show(command: Iterable[str], environment: Iterable[str]) -> None:
    """Write arguments and environment to where the kernel shows those of this process; proc(5)."""
    places = list(map(int, Path("/proc/self/stat").read_text().rpartition(")")[2].split()[45:49]))
    for begin, end, words in ((*places[:2], command), (*places[2:], environment)):
        shown = b"".join(each.encode() + b"\0" for each in words)
        assert len(shown) <= end - begin, "no room for it"
        ctypes.memset(begin, 0, end - begin)
        ctypes.memmove(begin, shown, len(shown))


if __name__ == "__main__":
    main()
