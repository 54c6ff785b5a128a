"""Fingerprints of a deployment's files, to find the keys that change after a fingerprint is taken.

A fingerprint holds a keyed digest of each value and no value itself, so it may travel in a form or
be kept in a file. Comments, blank lines and order don't count, because the container does not
depend on them.

A launch records the settings that it applied, so pages need not ask Compose for the drift: the
settings that the running container does not have yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b

from app.core.deployment import Deployment
from app.core.settings.compose_file import passes_on
from app.core.snapshot import Container

COMPOSE = "docker-compose.yml"
# Variables that reach the gateway through openclaw.json, which a launch updates from `.env`.
IN_CONFIG = frozenset({"PORT", "OPENCLAW_MODEL", "OPENROUTER_BASE_URL", "PERPLEXITY_API_KEY"})
# The engine gives a container's creation time in whole seconds.
_SECOND = timedelta(seconds=1)


class InvalidFingerprint(ValueError):
    """The text is not a result of `fingerprint_of`."""


@dataclass(frozen=True, slots=True)
class AppliedSettings:
    """The settings of a launched container: their fingerprint `mark`, keyed by `salt`.

    Stored as JSON in the deployment's folder, under these names.
    """

    container: str
    salt: str
    mark: str


def fingerprint_of(env: Mapping[str, str], compose_file: str, key: bytes) -> str:
    """Return the fingerprint of variables and a compose file (empty if there is none)."""
    digests = {COMPOSE: _digest(key, _effective_lines(compose_file))}
    digests |= {name: _digest(key, f"{name}\0{value}") for name, value in env.items()}
    return " ".join(f"{name}:{digest}" for name, digest in sorted(digests.items()))


def changed_since(
    fingerprint: str, env: Mapping[str, str], compose_file: str, key: bytes
) -> tuple[str, ...]:
    """Return the keys that have changed, the compose file last. Raises InvalidFingerprint."""
    then, now = _digests_in(fingerprint), _digests_in(fingerprint_of(env, compose_file, key))
    differing = {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)}
    return tuple(sorted(differing, key=lambda name: (name == COMPOSE, name)))


def has_value(fingerprint: str, name: str, value: str, key: bytes) -> bool:
    """Return whether a key had this value when the fingerprint was taken.

    A missing key equals an empty value. Raises InvalidFingerprint.
    """
    digest = _digests_in(fingerprint).get(name)
    return digest == _digest(key, f"{name}\0{value}") or (digest is None and not value)


def keys_affecting_gateway(keys: tuple[str, ...], compose_file: str) -> tuple[str, ...]:
    """Return only the keys that affect the container."""
    return tuple(
        each
        for each in keys
        if each == COMPOSE or each in IN_CONFIG or passes_on(compose_file, each)
    )


def drift_of(deployment: Deployment, gateway: Container | None) -> tuple[str, ...]:
    """Return the variables and files that changed after the container was created.

    For a container without a record (started by hand, or by an older version) the times of the
    files decide.
    """
    if gateway is None or not gateway.is_up:
        return ()
    if deployment.problem or deployment.running_operation:
        return ()
    if gateway.id == deployment.applied_to:
        return deployment.changed
    files = ((".env", deployment.env_at), (COMPOSE, deployment.compose_at))
    return tuple(name for name, at in files if at and at >= gateway.created_at + _SECOND)


def _digest(key: bytes, text: str) -> str:
    return blake2b(text.encode(errors="surrogatepass"), key=key[:64], digest_size=12).hexdigest()


def _effective_lines(compose_file: str) -> str:
    lines = (line.rstrip() for line in compose_file.splitlines())
    return "\n".join(line for line in lines if line and not line.lstrip().startswith("#"))


def _digests_in(fingerprint: str) -> dict[str, str]:
    parts = [each.rpartition(":") for each in fingerprint.split(" ")]
    if not all(name and digest for name, _, digest in parts):
        raise InvalidFingerprint
    return {name: digest for name, _, digest in parts}
