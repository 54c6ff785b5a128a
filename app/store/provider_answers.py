"""The provider's latest answer to a gateway, saved for the server's next start."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.core.records import read_json
from app.store.file_writes import write_file
from app.store.files import AGENT_DIR, Unreadable, agent_dir, read_file

_FILE = "answer.json"
_LIMIT = 64 * 1024


def keep_answer(folder: Path, answer: Mapping[str, Any]) -> None:
    """Save an answer; it holds no secret. Raises OSError."""
    write_file(agent_dir(folder) / _FILE, json.dumps(answer, ensure_ascii=False).encode())


def read_answer(folder: Path) -> dict[str, Any] | None:
    try:
        kept = read_json(read_file(folder / AGENT_DIR / _FILE, _LIMIT))
    except (OSError, Unreadable, ValueError):
        return None
    return kept if isinstance(kept, dict) else None
