"""What was done to a deployment, by whom and when: one JSON object a line."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.store.files import Unreadable, append_line, read_file

OURS = ".deploy-agent"
_LIMIT = 8 * 1024 * 1024


def our_folder(folder: Path) -> Path:
    """Return the part of a deployment's folder that is ours, made where it is missing."""
    ours = folder / OURS
    ours.mkdir(mode=0o700, exist_ok=True)
    return ours


def record(folder: Path, what: str, who: str, **more: Any) -> None:
    """Append one entry. `more` holds no secret: the file outlives every token in it."""
    entry = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "what": what, "who": who}
    append_line(our_folder(folder) / "history.jsonl", json.dumps({**entry, **more}).encode())


def read_history(folder: Path) -> list[dict[str, Any]]:
    """Return the entries, oldest first; a torn line, from a crash, is passed over."""
    try:
        data = read_file(folder / OURS / "history.jsonl", _LIMIT)
    except (FileNotFoundError, NotADirectoryError, Unreadable):
        return []
    entries = []
    for line in data.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries
