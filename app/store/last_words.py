"""Last words: what a gateway said and how it ended, kept when its container goes."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from app.store.files import Unreadable, read_file, write_file
from app.store.history import OURS, our_folder

_LIMIT = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LastWords:
    """The end of one container. `at` is ISO 8601; `log` is masked text, its last lines."""

    at: str
    exit_code: int | None
    health: str
    log: str

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.at)


def keep_last_words(folder: Path, words: LastWords) -> None:
    path = our_folder(folder) / "last-words"
    path.mkdir(mode=0o700, exist_ok=True)
    write_file(path / "last-words.json", json.dumps(asdict(words), ensure_ascii=False).encode())


def read_last_words(folder: Path) -> LastWords | None:
    try:
        kept = json.loads(read_file(folder / OURS / "last-words" / "last-words.json", _LIMIT))
        return LastWords(**kept)
    except (OSError, Unreadable, ValueError, TypeError):
        return None
