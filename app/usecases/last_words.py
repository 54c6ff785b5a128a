"""Keeping what a gateway said before its container goes."""

from datetime import UTC, datetime
from pathlib import Path

from app.core.deployment import Container
from app.core.secrets import Masker
from app.core.text import plain
from app.engine.containers import Containers
from app.store.last_words import LastWords, keep_last_words

KEPT_LINES = 2000


def keep_words_of(
    gateway: Container, folder: Path, containers: Containers, mask: Masker
) -> list[str]:
    """Keep a gateway's last lines, exit code and health, and return the lines without times.

    Raises EngineError, or OSError from the disk.
    """
    text = readable_log(containers.logs(gateway.id, KEPT_LINES), mask)
    details = gateway.details
    words = LastWords(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        exit_code=details.exit_code if details and gateway.state != "running" else None,
        health=gateway.health or "",
        log=text,
    )
    keep_last_words(folder, words)
    return [line.partition(" ")[2] for line in text.splitlines()]


def readable_log(data: bytes, mask: Masker) -> str:
    """Return a container's log as text that holds no secret and no control character."""
    return mask(plain(data.decode(errors="replace")))
