"""Secrets: telling them from other values, and keeping them out of text."""

import re
from collections.abc import Iterable, Mapping

from app.core.fields import is_secret

MASK = "••••••••"
# Shorter values would mask ordinary words.
_SHORTEST = 6


def secret_values(env: Mapping[str, str]) -> list[str]:
    """Return the values in a `.env` that no text may show."""
    return [value for key, value in env.items() if is_secret(key) and value]


class Masker:
    """Replaces known secrets in text, the longest first so that none shows in part."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {part for secret in secrets for part in (secret, *secret.splitlines())}
        ordered = sorted((s for s in known if len(s) >= _SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text


def hint(value: str) -> str:
    """Return a masked form that lets its owner tell one secret from another."""
    if len(value) < 16:
        return MASK
    return f"{MASK}{value[-4:]}"
