"""Last words: how containers ended, and their last log lines; one file per container."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from app.core.records import MomentText, read_record
from app.store.file_writes import write_file
from app.store.files import AGENT_DIR, Unreadable, agent_dir, read_file, refuse_links

_KEPT = 5
_MOST_BYTES = 2 * 1024 * 1024
# A log encoded as JSON takes at most six times its bytes.
_LIMIT = 6 * _MOST_BYTES
_NAME = re.compile(r"\d{12}-[0-9a-f]{12}\.json\Z")


@dataclass(frozen=True, slots=True)
class LastWords:
    """The end of one container. `log` has the last lines, masked; `at` is ISO 8601.

    `inspect` is the engine's inspect answer, without the values of environment variables.
    """

    at: MomentText
    exit_code: int | None
    health: str
    log: str
    container: str = ""
    created: int = 0
    health_output: str = ""
    inspect: Mapping[str, Any] = field(default_factory=dict)

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.at)


def save_last_words(folder: Path, words: LastWords) -> None:
    """Replace one container's last words; keep the last words of four other containers.

    Raises OSError.
    """
    path = agent_dir(folder) / "last-words"
    path.mkdir(mode=0o700, exist_ok=True)
    kept = {**asdict(words), "log": _end_of(words.log)}
    name = f"{words.created:012}-{words.container[:12]:0>12}.json"
    write_file(path / name, json.dumps(kept, ensure_ascii=False).encode())
    for old in last_words_files(folder)[_KEPT:]:
        with suppress(OSError):
            old.unlink()


def last_words_files(folder: Path) -> list[Path]:
    """Return the files with last words, the newest container first."""
    words = folder / AGENT_DIR / "last-words"
    try:
        refuse_links(words)
        found = [path for path in words.iterdir() if _NAME.match(path.name)]
    except OSError:
        return []
    return sorted(found, key=lambda path: path.name, reverse=True)


def last_words_file(folder: Path, container: str) -> Path | None:
    """Return the file with the last words of one container."""
    return next((each for each in last_words_files(folder) if _is_of(each, container)), None)


def _is_of(path: Path, container: str) -> bool:
    return path.stem.endswith(container[:12])


def read_last_words(path: Path) -> LastWords | None:
    try:
        return read_record(LastWords, read_file(path, _LIMIT))
    except (OSError, Unreadable, ValueError):
        return None


def list_last_words(folder: Path) -> list[LastWords]:
    """Return all last words, the newest container first."""
    return [words for path in last_words_files(folder) if (words := read_last_words(path))]


def _end_of(log: str) -> str:
    """Return as many of the last whole lines as fit into the limit."""
    data = log.encode()
    if len(data) <= _MOST_BYTES:
        return log
    return data[-_MOST_BYTES:].partition(b"\n")[2].decode(errors="replace")
