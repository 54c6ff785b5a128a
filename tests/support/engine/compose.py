"""Docker Compose itself, which decides what a folder's files mean."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any


def compose(folder: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    """Run Compose in a folder, with only PATH and HOME in its environment."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME")}
    return subprocess.run(
        ["docker", "compose", *words], cwd=folder, env=clean, capture_output=True, timeout=60
    )


def resolved(folder: Path, *words: str) -> tuple[dict[str, Any], str]:
    """Return the configuration that Compose reads from a folder, and Compose's warnings."""
    answer = compose(folder, *words, "config", "--format", "json")
    assert answer.returncode == 0, answer.stderr.decode()
    return json.loads(answer.stdout), answer.stderr.decode()


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    """Return a service's environment. Compose prints an unset variable as null."""
    found = service["environment"].items()
    return {key: value.replace("$$", "$") for key, value in found if value is not None}
