"""Marks: which keys of a deployment's files have changed since somebody looked at them.

A mark holds a keyed digest of each value and none of the values, so it may stand in a
form or in a file beside them. Comments, blank lines and order count for nothing: no
container is any different for them, and whoever rewrites the files keeps them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from app.core.settings.compose_file import passes_on

COMPOSE = "docker-compose.yml"
# What of `.env` the gateway learns from openclaw.json, which a launch writes from it.
IN_CONFIG = frozenset({"PORT", "OPENCLAW_MODEL", "OPENROUTER_BASE_URL", "PERPLEXITY_API_KEY"})


class InvalidFingerprint(ValueError):
    """The text was not made by `mark_of`."""


@dataclass(frozen=True, slots=True)
class AppliedSettings:
    """What was in force when a launch made a container; `mark` under the key `salt`."""

    container: str
    salt: str
    mark: str


def fingerprint_of(env: Mapping[str, str], compose_file: str, key: bytes) -> str:
    """Return the mark of variables and a compose file (empty where there is none)."""
    digests = {COMPOSE: _digest(key, _what_counts(compose_file))}
    digests |= {name: _digest(key, f"{name}\0{value}") for name, value in env.items()}
    return " ".join(f"{name}:{digest}" for name, digest in sorted(digests.items()))


def changed_since(
    mark: str, env: Mapping[str, str], compose_file: str, key: bytes
) -> tuple[str, ...]:
    """Return the keys that differ now, the compose file last. Raises NoMark."""
    then, now = _parted(mark), _parted(fingerprint_of(env, compose_file, key))
    differing = {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)}
    return tuple(sorted(differing, key=lambda name: (name == COMPOSE, name)))


def has_value(mark: str, name: str, value: str, key: bytes) -> bool:
    """Say whether a key had this value when the mark was made; no value is an empty one.

    Raises NoMark.
    """
    digest = _parted(mark).get(name)
    return digest == _digest(key, f"{name}\0{value}") or (digest is None and not value)


def keys_affecting_gateway(keys: tuple[str, ...], compose_file: str) -> tuple[str, ...]:
    """Return those of some keys for which a container would be different."""
    return tuple(
        each
        for each in keys
        if each == COMPOSE or each in IN_CONFIG or passes_on(compose_file, each)
    )


def _digest(key: bytes, text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), key=key[:64], digest_size=12).hexdigest()


def _what_counts(compose_file: str) -> str:
    lines = (line.rstrip() for line in compose_file.splitlines())
    return "\n".join(line for line in lines if line and not line.lstrip().startswith("#"))


def _parted(mark: str) -> dict[str, str]:
    parts = [each.rpartition(":") for each in mark.split(" ")]
    if not all(name and digest for name, _, digest in parts):
        raise InvalidFingerprint
    return {name: digest for name, _, digest in parts}
