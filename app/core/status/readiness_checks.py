"""The rungs of the readiness ladder: what proves, one by one, that a gateway can be used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class RungState(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step. `detail` says what was seen; at a broken rung `next_step` says what to do.

    `hopeless`: it will not hold later either, unless somebody changes something.
    `code` is the gateway's own for what it refuses.
    """

    name: str
    state: RungState
    detail: str = ""
    milliseconds: int | None = None
    next_step: str = ""
    hopeless: bool = False
    code: str = ""


LABELS = {
    "container": "The container runs",
    "port": "Its port answers",
    "healthz": "/healthz says live",
    "readyz": "/readyz says ready",
    "websocket": "The WebSocket greets",
    "token": "It accepts the token of .env",
    "config_token": "openclaw.json has the same token",
}
PROBED = ("port", "healthz", "readyz", "websocket", "token")
# What a gateway calls a token that is not its own, and whoever came with too many of them.
TOKEN_MISMATCH, LOCKED_OUT = "AUTH_TOKEN_MISMATCH", "AUTH_RATE_LIMITED"


def passed(name: str, detail: str = "", milliseconds: int | None = None) -> Rung:
    return Rung(name, RungState.PASSED, detail, milliseconds)


def failed(
    name: str, detail: str, next_step: str = "", hopeless: bool = False, code: str = ""
) -> Rung:
    return Rung(name, RungState.FAILED, detail, None, next_step, hopeless, code)


def first_broken(rungs: Sequence[Rung]) -> Rung | None:
    """Return the first rung that does not hold; None where one below it is not known yet."""
    first = next((rung for rung in rungs if rung.state is not RungState.PASSED), None)
    return first if first and first.state is RungState.FAILED else None


def disproof(rungs: Sequence[Rung], publishes: bool) -> Rung | None:
    """Return the rung at which a gateway that is up proves not to work.

    Only what each gateway promises counts: not a token that `.env` does not have, not what
    is not ready yet, not a protocol that is not ours. One that does not publish its port
    may be reached elsewhere.
    """
    broken = first_broken(rungs)
    if broken is None or broken.name == "readyz":
        return None
    if broken.name == "port":
        return broken if publishes else None
    if broken.name == "token" and broken.hopeless:
        return broken if broken.code in (TOKEN_MISMATCH, LOCKED_OUT) else None
    return broken


@dataclass(frozen=True, slots=True)
class Climb:
    """What climbing has shown of one run of a gateway: each break was climbed to twice.

    `held`: once in this run it held up to the top. Before that it may take `grace` to start.
    """

    container_id: str
    started_at: datetime | None
    broken: Rung | None
    held: bool
    grace: timedelta
