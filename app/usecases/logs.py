"""Logs: what a gateway says, or said before it went."""

from dataclasses import dataclass
from datetime import datetime

from app.core.errors import engine_error
from app.core.text import lines_of
from app.store.last_words import LastWords, read_last_words
from app.usecases.last_words import readable_log
from app.usecases.masking import masker_for
from app.usecases.overview import Card
from app.usecases.world import World

DEFAULT_TAIL = 200
LARGEST_TAIL = 10_000


@dataclass(frozen=True, slots=True)
class Logs:
    """The last lines, each after its time. `last_words` is set where the container is gone."""

    text: str
    last_words: LastWords | None = None

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Return (time, text) of each line."""
        return [(time, text) for time, _, text in map(_parted, lines_of(self.text))]


def _parted(line: str) -> tuple[str, str, str]:
    return line.partition(" ")


def read_logs(
    card: Card, *, tail: int = DEFAULT_TAIL, since: datetime | None = None, world: World
) -> Logs:
    """Return a deployment's last lines, from its container or from its last words.

    Raises EngineError where the engine does not answer: older words would be false then.
    """
    if card.problem:
        raise engine_error(card.problem.code, card.problem.reason)
    mask = masker_for(card.deployment, card.gateway, world)
    if card.gateway and card.gateway.state != "created":
        seconds = int(since.timestamp()) if since else None
        return Logs(readable_log(world.containers.logs(card.gateway.id, tail, seconds), mask))
    words = read_last_words(world.store.folder(card.deployment.id))
    if words is None or (since and words.moment < since):
        return Logs("")
    lines = lines_of(mask(words.log))[-tail:]
    return Logs("".join(f"{line}\n" for line in lines), words)
