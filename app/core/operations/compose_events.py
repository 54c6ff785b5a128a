"""Parse Compose's output with `--progress json`, one event a line, into text, layers and steps."""

import json
from dataclasses import dataclass
from typing import Any

from app.core.operations.layers import Layer, Phase
from app.core.operations.steps import Step

# Docker Engine's words for the state of a layer.
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


@dataclass(frozen=True, slots=True)
class Line:
    """A line of Compose's output as text for people, and the step that begins with this line."""

    text: str
    begins: Step | None = None


def read_line(line: str) -> Line | Layer:
    """Parse a line of Compose's output. A line that is not an event is kept as text."""
    event = _event(line)
    if event is None:
        return Line(line)
    if event.get("error") and "message" in event:
        return Line(str(event["message"]))
    phase = _phase(str(event.get("text")))
    if phase and event.get("parent_id"):
        return Layer(str(event.get("id")), phase, _bytes(event, "current"), _bytes(event, "total"))
    words = (event.get(key) for key in ("id", "text", "status"))
    return Line(" ".join(str(word) for word in words if word) or line, _begins(event))


def text_of(output: str) -> str:
    """Return Compose's output as text for people, without the layers."""
    lines = (read_line(line) for line in output.splitlines())
    return "\n".join(each.text for each in lines if isinstance(each, Line))


def _begins(event: dict[str, Any]) -> Step | None:
    starting = "Starting" in (event.get("text"), event.get("status"))
    return Step.START if starting and str(event.get("id")).startswith("Container ") else None


def _phase(text: str) -> Phase | None:
    # Docker counts the seconds down: "Retrying in 5 seconds".
    return Phase.RETRYING if text.startswith("Retrying in ") else _PHASES.get(text)


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
