"""Every step at which a process changes the disk, and the faults that can happen before a step.

Python announces each step to an audit hook, so new steps are found without being listed.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.support.files.small_disk import fill

_CHANGES = frozenset(
    f"os.{call}"
    for call in (
        "chmod", "chown", "link", "mkdir", "remove", "rename", "rmdir", "symlink", "truncate",
    )
)  # fmt: skip
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, slots=True)
class DiskStep:
    """One step: an operation, its path, and a target if the operation has two paths."""

    operation: str
    path: str
    target: str = ""

    @property
    def needs_room(self) -> bool:
        """Return whether the step needs disk space; moving and deleting need none."""
        return self.operation in ("open", "mkdir", "link", "symlink", "fsync")

    def __str__(self) -> str:
        return " ".join(each for each in (self.operation, self.path, self.target) if each)


class Fault(StrEnum):
    """What happens before a step.

    KILLED: the process dies. FULL: from this step on, the system reports a full disk. FILLED: other
    programs fill the disk. EDITED: somebody edits `docker-compose.yml` before a step on this file,
    and `.env` before other steps.
    """

    KILLED = "killed"
    FULL = "full"
    FILLED = "filled"
    EDITED = "edited"


BY_HAND = {"docker-compose.yml": "# by hand\n", ".env": "BY_HAND=so\n"}


def watch(folder: Path, trace: Path, last: int | None = None, fault: Fault = Fault.KILLED) -> None:
    """Record each step below `folder` in `trace`, and cause the fault before step number `last`.

    The audit hook can't be removed: call `watch` only in a process that ends afterwards.
    """
    record = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    count, by_hand = 0, False

    def meet(point: DiskStep) -> None:
        nonlocal by_hand
        match fault:
            case Fault.KILLED:
                os.kill(os.getpid(), signal.SIGKILL)
            case Fault.FULL if point.needs_room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            case Fault.FILLED:
                fill(folder.parent)
            case Fault.EDITED if count == last:
                by_hand = True
                _edit(folder, edited_at(point))
                by_hand = False

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        point = None if by_hand else _point(event, arguments)
        if point is None or not _is_below(folder, point.path):
            return
        if last is not None and count >= last:
            meet(point)
        count += 1
        os.write(record, f"{point.operation}\t{point.path}\t{point.target}\n".encode())

    sys.addaudithook(hear)
    os.fsync = _announced(os.fsync, hear)


def edited_at(point: DiskStep) -> str:
    """Return the name of the file that somebody edits before a step."""
    return next((name for name in BY_HAND if name in Path(point.path).name), ".env")


def _edit(folder: Path, name: str) -> None:
    for path in folder.glob(f"[0-9a-f]*/{name}"):
        with path.open("a") as file:
            file.write(BY_HAND[name])


def steps_in(trace: Path) -> list[DiskStep]:
    return [DiskStep(*line.split("\t")) for line in trace.read_text().splitlines()]


def _announced(
    fsync: Callable[[int], None], hear: Callable[[str, tuple[object, ...]], None]
) -> Callable[[int], None]:
    """Announce each sync, because Python does not announce syncs to audit hooks."""

    def announced(descriptor: int) -> None:
        hear("os.fsync", (descriptor,))
        fsync(descriptor)

    return announced


def _point(event: str, arguments: tuple[object, ...]) -> DiskStep | None:
    if event == "open":
        path, _, flags = arguments
        if not isinstance(flags, int) or not flags & _TO_WRITE or isinstance(path, int):
            return None
        return DiskStep("open", _name(path))
    if event not in _CHANGES and event != "os.fsync":
        return None
    target = _name(arguments[1]) if event in ("os.rename", "os.link", "os.symlink") else ""
    return DiskStep(event.removeprefix("os."), _name(arguments[0]), target)


def _name(path: object) -> str:
    if isinstance(path, int):
        return os.readlink(f"/proc/self/fd/{path}")
    return os.fsdecode(path)  # type: ignore[arg-type]


def _is_below(folder: Path, path: str) -> bool:
    """Return whether a path is in `folder`. Relative paths start at an open folder in it."""
    return not path.startswith("/") or path.startswith(f"{folder}/") or path == str(folder)
