"""Secrets: find them among a deployment's values, and mask them in text.

Text that leaves this host is also redacted: anything in it that looks like a secret is hidden.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from app.core.settings.fields import is_secret
from app.core.text import clean, shorten

MASK = "••••••••"
# Shorter values would mask ordinary words.
_SHORTEST = 6
_URL_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")


def secret_values(env: Mapping[str, str]) -> list[str]:
    """Return the values in a `.env` that must never be shown."""
    named = [value for key, value in env.items() if is_secret(key) and value]
    # A URL may contain a password, whatever its variable is called.
    return named + [match for value in env.values() for match in _URL_PASSWORD.findall(value)]


_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][\w.-]*)\s*[=:]\s*(.*)")


def secrets_in_text(text: str) -> list[str]:
    """Return possible secrets in an invalid `.env`, line by line."""
    found = []
    for line in text.splitlines():
        match = _ASSIGNMENT.match(line.strip())
        if match and is_secret(match[1]):
            value = match[2].strip()
            bare = value.strip("'\"")
            found += [value, bare, *bare.split()]
    return found


class Masker:
    """Masks known secrets in text, also where they are encoded in JSON or in a URL.

    Longer secrets are masked first, so that no part of a longer secret stays visible.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        parts = {part for secret in secrets for part in (secret, *secret.splitlines())}
        known = {form for part in parts for form in _forms(part)}
        ordered = sorted((s for s in known if len(s) >= _SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text


def _forms(secret: str) -> Iterator[str]:
    yield secret
    for as_ascii in (True, False):
        yield json.dumps(secret, ensure_ascii=as_ascii)[1:-1]
    yield quote(secret, safe="", errors="replace")


def readable(text: str, mask: Masker) -> str:
    """Return plain text without secrets. Masking comes first: cutting may split a secret."""
    return shorten(mask(clean(text)))


def masked_hint(value: str) -> str:
    """Return a masked secret with its last characters, so that its owner can recognize it."""
    if len(value) < 16:
        return MASK
    return f"{MASK}{value[-4:]}"


# Keys in the formats of providers and chat services.
_KEY_LIKE = re.compile(
    r"\b(?:sk|pk|rk|da|xox[a-z]|xapp|gh[a-z]|github_pat|glpat|hf|AIza|AKIA)[-_]?[A-Za-z0-9][\w-]{15,}"
    r"|\b\d{8,10}:[\w-]{30,}"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
)
# A value after a word such as `token=`.
_NAMED = re.compile(
    r"(?i)((?:bearer\s+|[#?&](?:token|key|secret|password)=|://[^/\s:@]*:))([^\s\"'&@]{6,})"
)
_ASSIGNED = re.compile(r"""(?m)(["']?)([A-Za-z_][\w.-]*)\1(\s*[:=][ \t]*)(?!\$\{)(\S.*)$""")


def redacted(text: str) -> str:
    """Hide text that looks like a secret. Callers mask known secrets by their values first."""
    return _NAMED.sub(rf"\1{MASK}", _KEY_LIKE.sub(MASK, text))


def redacted_file(text: str) -> str:
    """Hide the values in a configuration file whose keys look like a secret's name."""
    return redacted(_ASSIGNED.sub(_assigned, text))


def _assigned(match: re.Match[str]) -> str:
    mark, name, between, _ = match.groups()
    return f"{mark}{name}{mark}{between}{MASK}" if is_secret(name.upper()) else match[0]


def redacted_env(env: Mapping[str, str]) -> str:
    """Return a `.env` with all keys, but with secret values masked."""
    lines = (f"{key}={MASK if is_secret(key) and value else value}\n" for key, value in env.items())
    return redacted("".join(lines))
