"""The gateway's token in its four places, compared without showing any of them.

`.env` is the source: a launch writes `openclaw.json` from it and hands it to the
container. What a place holds is told as equal or not, never by length or hash.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.core.settings.openclaw_config import token_in
from app.core.status.readiness_checks import TOKEN_MISMATCH, Rung, RungState, first_broken


class Place(StrEnum):
    ENV = "env"
    CONFIG = "config"
    CONTAINER = "container"
    GATEWAY = "gateway"


LABELS = {
    Place.ENV: ".env",
    Place.CONFIG: "config/openclaw.json",
    Place.CONTAINER: "The running container's environment",
    Place.GATEWAY: "What the gateway accepts",
}


class Match(StrEnum):
    EQUAL = "equal"
    DIFFERS = "differs"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Compared:
    """What one place holds beside `.env`; `reason` says more where the word is not enough."""

    place: Place
    match: Match
    reason: str = ""

    @property
    def label(self) -> str:
        return LABELS[self.place]


@dataclass(frozen=True, slots=True)
class TokenCheck:
    """All four places, `.env` first."""

    places: tuple[Compared, ...]

    def of(self, place: Place) -> Match:
        return next(each.match for each in self.places if each.place is place)

    @property
    def differ(self) -> bool:
        """Say whether a place is known to hold another token than `.env`."""
        return any(each.match is Match.DIFFERS for each in self.places)

    @property
    def agree(self) -> bool | None:
        """Say whether all places have the token of `.env`; None where that is not all known."""
        if self.differ:
            return False
        return None if any(each.match is Match.UNKNOWN for each in self.places) else True

    @property
    def needs_restart(self) -> bool:
        """Say whether what runs has another token: only a new start takes that of `.env`."""
        return Match.DIFFERS in (self.of(Place.CONTAINER), self.of(Place.GATEWAY))

    @property
    def words(self) -> str:
        """The outcome in a sentence, with what to do."""
        if self.of(Place.ENV) is not Match.EQUAL:
            return "There is no token in .env to compare with. Rotate it, which makes one."
        if self.differ:
            return "They differ. Making them equal writes that of .env everywhere."
        if self.of(Place.GATEWAY) is Match.EQUAL:
            return "All places agree, and the gateway accepts it."
        return "No place is known to differ."


def same_token(one: str, other: str) -> bool:
    """Compare in a time that tells nothing of where two tokens differ."""
    return hmac.compare_digest(*(text.encode("utf-8", "surrogatepass") for text in (one, other)))


def in_env(token: str) -> Compared:
    if token:
        return Compared(Place.ENV, Match.EQUAL, "the source of the others")
    return Compared(Place.ENV, Match.ABSENT)


def in_config(token: str, config: Mapping[str, Any] | None) -> Compared:
    """Compare what `openclaw.json` says; None where there is no such file."""
    if config is None:
        return Compared(Place.CONFIG, Match.ABSENT, "there is no such file; a launch makes it")
    found = token_in(config)
    if found is None:
        return Compared(Place.CONFIG, Match.EQUAL, "it takes the one of its environment")
    return Compared(Place.CONFIG, _match(token, found))


def in_container(token: str, found: str | None) -> Compared:
    """Compare what the running container was made with; None where it has none."""
    if not found:
        return Compared(Place.CONTAINER, Match.ABSENT, "its compose file hands none on")
    return Compared(Place.CONTAINER, _match(token, found))


def at_gateway(rungs: Sequence[Rung] | None) -> Compared:
    """Return what a climb with the token of `.env` tells; None where none came back in time."""
    if rungs is None:
        return Compared(Place.GATEWAY, Match.UNKNOWN, "it gave no answer in time")
    broken = first_broken(rungs)
    if broken is None:
        accepted = any(each.name == "token" and each.state is RungState.PASSED for each in rungs)
        return Compared(Place.GATEWAY, Match.EQUAL if accepted else Match.UNKNOWN)
    if broken.code == TOKEN_MISMATCH:
        return Compared(Place.GATEWAY, Match.DIFFERS, "it refuses the one of .env")
    return Compared(Place.GATEWAY, Match.UNKNOWN, broken.detail)


def unknown(place: Place, reason: str) -> Compared:
    return Compared(place, Match.UNKNOWN, reason)


def _match(token: str, found: str) -> Match:
    return Match.EQUAL if same_token(token, found) else Match.DIFFERS
