"""Last words: what a gateway said and how it ended, kept before its container goes."""

from datetime import UTC, datetime

from app.core.deployment import Container, Deployment
from app.core.secrets import Masker
from app.core.text import lines_of, plain
from app.store.last_words import LastWords, keep_last_words
from app.usecases.masking import masker_for
from app.usecases.world import World

KEPT_LINES = 2000


def keep_words_of(gateway: Container, deployment: Deployment, world: World) -> list[str]:
    """Keep a gateway's last lines, exit code and health, and return the lines without times.

    Raises EngineError, or OSError from the disk.
    """
    mask = masker_for(deployment, gateway, world)
    text = readable_log(world.containers.logs(gateway.id, KEPT_LINES), mask)
    details = gateway.details
    words = LastWords(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        exit_code=details.exit_code if details and gateway.state != "running" else None,
        health=gateway.health or "",
        log=text,
    )
    keep_last_words(world.store.folder(deployment.id), words)
    return [line.partition(" ")[2] for line in lines_of(text)]


def readable_log(data: bytes, mask: Masker) -> str:
    """Return a container's log as text that holds no secret and no control character."""
    return mask(plain(data.decode(errors="replace")))
