"""The history of a deployment: one JSON object per line, in files of bounded size.

Lines are numbered by `n`. A line with `of` adds to the entry with that number, so that a lasting
incident, such as a crash loop, stays one entry. Lines are never rewritten.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from io import FileIO
from itertools import chain
from pathlib import Path
from typing import Any

from app.core.records import read_json
from app.store.file_writes import sync_folder
from app.store.files import AGENT_DIR, agent_dir, open_file, raise_shortage

FILE = "history.jsonl"
_MAX_BYTES = 1024 * 1024
_OLDER_KEPT = 4
_BLOCK = 64 * 1024

# The client's address of the current action; `local` for the command line.
source_address: ContextVar[str] = ContextVar("coming_from", default="local")

Entry = dict[str, Any]
# A value that changes with every new line.
Signature = tuple[int, int, int]


def record(folder: Path, what: str, who: str, **more: Any) -> int:
    """Append the entry of an action and return its number.

    `more` must hold no secret: the history may be kept longer than a token is valid. Raises
    OSError.
    """
    entry = {"at": _now(), "what": what, "who": who, "from": source_address.get()}
    return append(folder, {**entry, **more})


def append(folder: Path, entry: Entry) -> int:
    """Append an entry, or with `of` an addition to an earlier entry; return its number.

    A crash at any moment can tear only the new line; all earlier lines stay complete.
    """
    path = agent_dir(folder) / FILE
    while True:
        descriptor = _locked(path)
        try:
            size = os.fstat(descriptor).st_size
            number = _last_number(path) + 1
            line = json.dumps({"n": number, **entry}).encode() + b"\n"
            if size == 0 or size + len(line) < _MAX_BYTES:
                # Begin a new line after a torn line.
                torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
                _write(descriptor, b"\n" + line if torn else line, size)
                if size == 0:
                    sync_folder(path.parent)
                return number
            _rotate(path)
        finally:
            os.close(descriptor)


def newest_first(folder: Path) -> Iterator[Entry]:
    """Yield the entries, newest first, each with its additions; torn lines are skipped.

    Files are read only as far as the caller iterates. Entries of an older format have no number.
    """
    added: dict[int, Entry] = {}
    before: int | None = None
    for line in _lines_backwards(folder / AGENT_DIR / FILE):
        entry = _entry(line)
        if entry is None:
            continue
        if number := _number(entry):
            if before is not None and number >= before:
                continue  # A line read before: the files were rotated.
            before = number
        if isinstance(whole := entry.pop("of", None), int):
            newer = added.setdefault(whole, {})
            added[whole] = {**entry, **newer, "n": whole}
        else:
            yield {**entry, **added.pop(number, {})}


def appended_since(folder: Path, number: int) -> list[Entry]:
    """Return the lines appended after the line of this number, oldest first.

    Additions to earlier entries stay separate. If the history was deleted, so that numbers have
    started at 1 again, all lines are returned.
    """
    found: list[Entry] = []
    if _last_number(folder / AGENT_DIR / FILE) < number:
        number = 0
    for line in _lines_backwards(folder / AGENT_DIR / FILE):
        entry = _entry(line)
        own = entry.get("n") if entry else None
        if entry is None or not isinstance(own, int) or (found and own >= found[-1]["n"]):
            continue
        if own <= number:
            break
        found.append(entry)
    return found[::-1]


def read_history(folder: Path) -> list[Entry]:
    """Return the entries, oldest first."""
    return list(newest_first(folder))[::-1]


def signature_of(folder: Path) -> Signature | None:
    """Return a value that changes with every new line; None without a history."""
    try:
        status = os.lstat(folder / AGENT_DIR / FILE)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _locked(path: Path) -> int:
    """Open the file for appending and lock it; repeat if the file was rotated in between."""
    while True:
        descriptor = open_file(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.lstat(path).st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        os.close(descriptor)


def _write(descriptor: int, line: bytes, size: int) -> None:
    try:
        written = os.write(descriptor, line)
        if written < len(line):
            raise OSError(28, os.strerror(28))
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _rotate(path: Path) -> None:
    for number in range(_OLDER_KEPT - 1, 0, -1):
        with suppress(FileNotFoundError):
            os.replace(_older(path, number), _older(path, number + 1))
    os.replace(path, _older(path, 1))
    sync_folder(path.parent)


def _older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.{number}{path.suffix}")


def _last_number(path: Path) -> int:
    for line in _lines_backwards(path):
        if (entry := _entry(line)) is not None:
            return _number(entry) or sum(1 for _ in _lines_backwards(path))
    return 0


def _number(entry: Entry) -> int:
    """Return an entry's number, or 0 if it has no valid one."""
    number = entry.get("n")
    return number if type(number) is int and number > 0 else 0


def _entry(line: bytes) -> Entry | None:
    try:
        entry = read_json(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """Yield the lines of all files, the last line first."""
    older = (_older(path, number) for number in range(1, _OLDER_KEPT + 1))
    for each in chain((path,), older):
        try:
            descriptor = open_file(each)
        except OSError as error:
            raise_shortage(error)
            continue
        with suppress(OSError), open(descriptor, "rb", buffering=0) as file:
            yield from _backwards(file)


def _backwards(file: FileIO) -> Iterator[bytes]:
    end, rest = os.fstat(file.fileno()).st_size, b""
    # Deploy Agent's files are never larger. If another program made the file larger, only the
    # file's end is read.
    first_byte = max(0, end - _MAX_BYTES)
    while end > first_byte:
        start = max(first_byte, end - _BLOCK)
        block = os.pread(file.fileno(), end - start, start) + rest
        if start == first_byte:
            # Closed early: a merge of all histories iterates over all deployments' files at once.
            file.close()
        first, *lines = block.split(b"\n")
        yield from filter(None, reversed(lines))
        end, rest = start, first
    if rest and first_byte == 0:
        yield rest
