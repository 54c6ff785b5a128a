"""The gateway's token in its four places, compared without showing it.

`.env` is the source: a launch copies the token from there to `openclaw.json` and to the
container. A comparison says only equal or different, and nothing about length or hash.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.core.settings.openclaw_config import token_in
from app.core.status.readiness import TOKEN_MISMATCH, CheckState, ReadinessCheck, first_failed


class TokenPlace(StrEnum):
    ENV = "env"
    CONFIG = "config"
    CONTAINER = "container"
    GATEWAY = "gateway"


LABELS = {
    TokenPlace.ENV: ".env",
    TokenPlace.CONFIG: "config/openclaw.json",
    TokenPlace.CONTAINER: "The running container's environment",
    TokenPlace.GATEWAY: "What the gateway accepts",
}


class TokenMatch(StrEnum):
    EQUAL = "equal"
    DIFFERS = "differs"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TokenComparison:
    """One place's token compared with `.env`. `reason` adds details."""

    place: TokenPlace
    match: TokenMatch
    reason: str = ""

    @property
    def label(self) -> str:
        return LABELS[self.place]


@dataclass(frozen=True, slots=True)
class TokenCheck:
    """All four places, `.env` first."""

    places: tuple[TokenComparison, ...]

    def of(self, place: TokenPlace) -> TokenMatch:
        return next(each.match for each in self.places if each.place is place)

    @property
    def differ(self) -> bool:
        """Return whether a place is known to hold another token than `.env`."""
        return any(each.match is TokenMatch.DIFFERS for each in self.places)

    @property
    def agree(self) -> bool | None:
        """Return whether all places have the token of `.env`, or None if one is unknown."""
        if self.differ:
            return False
        return None if any(each.match is TokenMatch.UNKNOWN for each in self.places) else True

    @property
    def needs_restart(self) -> bool:
        """Return whether the running gateway has another token, which only a restart changes."""
        return TokenMatch.DIFFERS in (self.of(TokenPlace.CONTAINER), self.of(TokenPlace.GATEWAY))

    @property
    def words(self) -> str:
        """The outcome in a sentence, with what to do."""
        if self.of(TokenPlace.ENV) is not TokenMatch.EQUAL:
            return "There is no token in .env to compare with. Rotate the token to make one."
        if self.differ:
            return "The tokens differ. Making them equal writes the token of .env everywhere."
        if self.of(TokenPlace.GATEWAY) is TokenMatch.EQUAL:
            return "All places agree, and the gateway accepts the token."
        return "No difference was found, but not every place could be checked."


def same_token(one: str, other: str) -> bool:
    """Compare two tokens in constant time."""
    return hmac.compare_digest(*(text.encode("utf-8", "surrogatepass") for text in (one, other)))


def in_env(token: str) -> TokenComparison:
    if token:
        return TokenComparison(TokenPlace.ENV, TokenMatch.EQUAL, "the source of the others")
    return TokenComparison(TokenPlace.ENV, TokenMatch.ABSENT)


def in_config(token: str, config: Mapping[str, Any] | None) -> TokenComparison:
    """Compare a token with the one in `openclaw.json`; `config` is None if there is no file."""
    if config is None:
        return TokenComparison(
            TokenPlace.CONFIG, TokenMatch.ABSENT, "there is no such file; a launch makes it"
        )
    found = token_in(config)
    if found is None:
        return TokenComparison(
            TokenPlace.CONFIG, TokenMatch.EQUAL, "it refers to the environment's token"
        )
    return TokenComparison(TokenPlace.CONFIG, _match(token, found))


def in_container(token: str, found: str | None) -> TokenComparison:
    """Compare the running container's token; None means that it has none."""
    if not found:
        return TokenComparison(
            TokenPlace.CONTAINER, TokenMatch.ABSENT, "its compose file does not pass the token on"
        )
    return TokenComparison(TokenPlace.CONTAINER, _match(token, found))


def at_gateway(checks: Sequence[ReadinessCheck] | None) -> TokenComparison:
    """Compare what the gateway accepts, from checks with the token of `.env`.

    None means that the checks did not finish in time.
    """
    if checks is None:
        return unknown(TokenPlace.GATEWAY, "it did not answer in time")
    failed = first_failed(checks)
    if failed is None:
        accepted = any(each.name == "token" and each.state is CheckState.PASSED for each in checks)
        return TokenComparison(
            TokenPlace.GATEWAY, TokenMatch.EQUAL if accepted else TokenMatch.UNKNOWN
        )
    if failed.code == TOKEN_MISMATCH:
        reason = "it rejects the token of .env"
        return TokenComparison(TokenPlace.GATEWAY, TokenMatch.DIFFERS, reason)
    return unknown(TokenPlace.GATEWAY, failed.detail)


def unknown(place: TokenPlace, reason: str) -> TokenComparison:
    return TokenComparison(place, TokenMatch.UNKNOWN, reason)


def _match(token: str, found: str) -> TokenMatch:
    return TokenMatch.EQUAL if same_token(token, found) else TokenMatch.DIFFERS
