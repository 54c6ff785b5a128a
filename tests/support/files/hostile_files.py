"""Hostile files in place of a file or folder, and a time limit for code that reads them."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

CANARY = "outside-canary-7c1e"


class Outside:
    """A folder outside the deployments, where links lead. Nobody may read or change its files.

    The folder has a counterpart for each file of a deployment.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        history = f'{{"n": 1, "at": "2026-11-24T10:00:00Z", "what": "{CANARY}"}}\n'
        for name, text in {
            ".env": f"PORT=21000\nDEPLOYMENT_NAME={CANARY}\nA_TOKEN={CANARY}\n",
            "docker-compose.yml": f"services: {{openclaw: {{image: {CANARY}}}}}\n",
            "openclaw.json": f'{{"gateway": {{"auth": {{"token": "{CANARY}"}}}}}}\n',
            "history.jsonl": history,
            ".deploy-agent/history.jsonl": history,
            "operations/1/log": f"2026-11-24T10:00:00.000Z {CANARY}\n",
            "1/log": f"2026-11-24T10:00:00.000Z {CANARY}\n",
            "log": f"2026-11-24T10:00:00.000Z {CANARY}\n",
        }.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        self.before = self._now()

    def _now(self) -> dict[Path, tuple[int, ...]]:
        found = {each: each.lstat() for each in (self.folder, *self.folder.rglob("*"))}
        return {
            each: (is_now.st_mode, is_now.st_uid, is_now.st_size, is_now.st_mtime_ns, is_now.st_ino)
            for each, is_now in found.items()
        }

    def take_in(self, name: str, path: Path) -> None:
        """Copy a file into this folder."""
        shutil.copy(path, self.folder / name)
        self.before = self._now()

    def is_untouched(self) -> bool:
        return self._now() == self.before


def link(path: Path, outside: Outside) -> None:
    same = outside.folder / path.name
    target = outside.folder if path.is_dir() else same if same.exists() else outside.folder / "log"
    _cleared(path).symlink_to(target)


def dangling_link(path: Path, _outside: Outside) -> None:
    _cleared(path).symlink_to("nowhere")


def link_to_itself(path: Path, _outside: Outside) -> None:
    _cleared(path).symlink_to(path)


def pipe(path: Path, _outside: Outside) -> None:
    os.mkfifo(_cleared(path))


def unix_socket(path: Path, _outside: Outside) -> None:
    with socket.socket(socket.AF_UNIX) as made, _folder_of(_cleared(path)):
        made.bind(path.name)


def endless_device(path: Path, _outside: Outside) -> None:
    """Make a device like /dev/zero, which only root can do."""
    os.mknod(_cleared(path), 0o020600, os.makedev(1, 5))


def folder(path: Path, _outside: Outside) -> None:
    _cleared(path).mkdir()
    (path / "inside").touch()


def plain_file(path: Path, _outside: Outside) -> None:
    _cleared(path).write_bytes(b"\0\xff no folder\n")


def large(path: Path, _outside: Outside) -> None:
    """Write 100 MB of lines."""
    _cleared(path).write_bytes(b'{"n": 1}\n' * 11_000_000)


def sparse(path: Path, _outside: Outside) -> None:
    """Make a sparse file of a terabyte, which takes no disk space."""
    _cleared(path).touch()
    os.truncate(path, 2**40)


def crowd(path: Path, _outside: Outside) -> None:
    """Make a hundred thousand files with numbers as names, like operations."""
    path.mkdir(parents=True, exist_ok=True)
    for number in range(100_000):
        os.mknod(path / str(1000 + number))


def _cleared(path: Path) -> Path:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def _folder_of(path: Path) -> Iterator[None]:
    """Change to the path's folder: a socket's full path may be too long for the kernel."""
    before = os.getcwd()
    os.chdir(path.parent)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def within(seconds: float, doing: str) -> Iterator[None]:
    """Fail if the body takes longer than `seconds`, even if the body hangs."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"{doing}: not done after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
