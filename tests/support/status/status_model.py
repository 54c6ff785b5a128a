"""What is right: the status that a deployment has by what was done and the engine's own word.

Written from the contract, not from `app.core.status`: of the engine it knows `docker inspect`,
of a folder what was done to it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import docker

from tests.support.engine.containers import containers_of

# What `docker inspect` says of a container; the engine that is away says nothing of any.
Word = dict[str, Any]
# A restart this young may be one of a crash loop, and the clock goes on while one looks.
_YOUNG_SECONDS, _BLUR_SECONDS = 60, 5


class Stage(StrEnum):
    """What the deeds have made of a deployment's container, or of the deployment."""

    NONE = "none"
    UP = "up"
    LOOPING = "looping"
    PAUSED = "paused"
    DOWN = "down"
    ARCHIVED = "archived"


# By what the engine calls it.
ENGINES_WORDS = {
    Stage.UP: ("running",),
    Stage.LOOPING: ("running", "restarting"),
    Stage.PAUSED: ("paused",),
    Stage.DOWN: ("exited",),
}
WITH_CONTAINER = tuple(ENGINES_WORDS)
LISTED = (Stage.NONE, *WITH_CONTAINER)


@dataclass(eq=False)
class Known:
    """What was done to one deployment, as far as it tells what is right.

    `without` is its status where it has no container, `proven` the run that a launch has
    answered for; `env` and `compose_file` were taken away, to be put back. `is_broken`: its
    gateway ends at each start.
    """

    id: str
    folder: Path = field(repr=False)
    stage: Stage = Stage.NONE
    without: str = "configured"
    proven: tuple[str, str] | None = None
    env: bytes | None = field(default=None, repr=False)
    compose_file: bytes | None = field(default=None, repr=False)
    is_broken: bool = False

    @property
    def is_invalid(self) -> bool:
        return self.env is not None

    @property
    def can_come_up(self) -> bool:
        return not self.is_invalid and self.compose_file is None

    def lost_container(self, without: str) -> None:
        self.stage, self.without, self.proven = Stage.NONE, without, None

    def fits(self, word: Word | None) -> bool:
        """Say whether the engine has what the deeds have made."""
        states = ENGINES_WORDS.get(self.stage)
        return word["State"]["Status"] in states if word and states else not (word or states)


def word_of(known: Known, engine: docker.APIClient) -> Word | None:
    """Return what the engine itself says of a deployment's container, now."""
    found = containers_of(engine, known.id)
    return engine.inspect_container(str(found[0]["Id"])) if found else None


def run_in(word: Word) -> tuple[str, str]:
    return word["Id"], word["State"]["StartedAt"]


def right_statuses(known: Known, word: Word | None) -> set[str]:
    """Return what may be said of a deployment that is listed; two only where the clock decides."""
    if known.is_invalid:
        return {"invalid"}
    if word is None:
        return {known.without}
    return _BY_STATE[word["State"]["Status"]](known, word)


def _running(known: Known, word: Word) -> set[str]:
    health = word["State"]["Health"]["Status"]
    is_proven = run_in(word) == known.proven
    # Who goes round may know before Docker's health check that it works.
    starting = {"running"} if is_proven else {"launching", "running"}
    settled = {"healthy": {"running"}, "starting": starting, "unhealthy": {"unhealthy"}}[health]
    if is_proven or not word["RestartCount"]:
        return settled
    started_at = datetime.fromisoformat(word["State"]["StartedAt"][:19] + "+00:00")
    age = (datetime.now(UTC) - started_at).total_seconds() - _YOUNG_SECONDS
    if abs(age) < _BLUR_SECONDS:
        return {"restarting", *settled}
    return {"restarting"} if age < 0 else settled


def _exited(known: Known, word: Word) -> set[str]:
    """One whose policy always restarts it is down only where somebody stopped it."""
    return {"failed" if word["State"]["OOMKilled"] or word["State"]["Error"] else "stopped"}


_BY_STATE: dict[str, Callable[[Known, Word], set[str]]] = {
    "created": lambda known, word: {"failed"},
    "running": _running,
    "restarting": lambda known, word: {"restarting"},
    "paused": lambda known, word: {"unhealthy"},
    "exited": _exited,
    "removing": lambda known, word: {"stopping"},
    "dead": lambda known, word: {"failed"},
}
