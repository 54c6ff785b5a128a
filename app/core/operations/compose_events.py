"""What Compose says with `--progress json`: one event a line, told as words or as a layer."""

import json
from typing import Any

from app.core.operations.pull_progress import Layer, Phase

# Docker Engine's words for a layer.
_PHASES = {
    "Pulling fs layer": Phase.WAITING,
    "Waiting": Phase.WAITING,
    "Downloading": Phase.DOWNLOADING,
    "Verifying Checksum": Phase.DOWNLOADED,
    "Download complete": Phase.DOWNLOADED,
    "Extracting": Phase.EXTRACTING,
    "Pull complete": Phase.DONE,
    "Already exists": Phase.DONE,
}


def told_by(line: str) -> str | Layer:
    """Return what a line of Compose's output tells; what is no event is told as it stands."""
    event = _event(line)
    if event is None:
        return line
    if event.get("error") and "message" in event:
        return str(event["message"])
    phase = _phase(str(event.get("text")))
    if phase and event.get("parent_id"):
        return Layer(str(event.get("id")), phase, _bytes(event, "current"), _bytes(event, "total"))
    words = (event.get(key) for key in ("id", "text", "status"))
    return " ".join(str(word) for word in words if word) or line


def _phase(text: str) -> Phase | None:
    # It counts the seconds down: "Retrying in 5 seconds".
    return Phase.RETRYING if text.startswith("Retrying in ") else _PHASES.get(text)


def words_in(output: str) -> str:
    """Return Compose's output as people read it, without the layers."""
    told = (told_by(line) for line in output.splitlines())
    return "\n".join(each for each in told if isinstance(each, str))


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _bytes(event: dict[str, Any], key: str) -> int:
    value = event.get(key)
    return value if isinstance(value, int) and value > 0 else 0
