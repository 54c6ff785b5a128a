"""Log-ins: check a password, open a session, find the person behind a session or token."""

import secrets
import time
from contextlib import suppress
from functools import cache
from threading import BoundedSemaphore

from argon2.exceptions import Argon2Error, InvalidHashError

from app.core.errors import NotLoggedIn
from app.core.people import Person, Role
from app.store.people import Session, Token
from app.store.storage_errors import storage_errors
from app.usecases.context import AppContext
from app.usecases.people.people import HASHER, digest

SESSION_SECONDS = 12 * 3600
_USED_EVERY = 60.0
_MOST_SESSIONS = 20
# Limits parallel password checks: each takes 64 MiB and all cores for a moment.
_CHECKS = BoundedSemaphore(4)


def log_in(name: str, password: str, address: str, *, context: AppContext) -> str:
    """Return the secret of a new session. Raises NotLoggedIn, TooManyAttempts, StorageFailed."""
    verified = verify_password(name, password, address, context=context)
    return open_session(name, address, context=context, verified=verified)


def verify_password(name: str, password: str, address: str, *, context: AppContext) -> str:
    """Check a password and return the matching hash. Failures are throttled.

    Raises NotLoggedIn, TooManyAttempts.
    """
    shared = bool(address) and address == context.settings.trusted_proxy
    attempt = context.login_throttle.begin(name, "" if shared else address)
    user = context.people.read().users.get(name)
    with _CHECKS:
        dummy = _dummy_hash()
        hashed = user.password if user else dummy
        matches = _matches(hashed, password)
    if not matches or user is None:
        raise NotLoggedIn("The name or the password is wrong.")
    context.login_throttle.succeed(attempt)
    return hashed


def open_session(
    name: str, address: str, *, context: AppContext, verified: str | None = None
) -> str:
    """Return the secret of a new session. The caller has verified the user.

    `verified` is the hash that the password matched. Raises NotLoggedIn if it has changed since.
    """
    secret, now = secrets.token_urlsafe(32), time.time()
    with storage_errors("You were not logged in."), context.people.changing() as people:
        user = people.users.get(name)
        if user is None or (verified is not None and user.password != verified):
            raise NotLoggedIn("The name or the password is wrong.")
        valid = {key: each for key, each in user.sessions.items() if each.ends_at > now}
        newest = sorted(valid.items(), key=lambda item: item[1].ends_at)[-_MOST_SESSIONS + 1 :]
        user.sessions = {**dict(newest), digest(secret): Session(now + SESSION_SECONDS, address)}
    return secret


def log_out(secret: str, *, context: AppContext) -> None:
    """End a session on the server, so that a copy of its cookie is useless."""
    key = digest(secret)
    with storage_errors("You were not logged out."), context.people.changing() as people:
        for user in people.users.values():
            user.sessions.pop(key, None)


def person_of_session(secret: str, address: str, *, context: AppContext) -> Person | None:
    """Return the person of a session; None unless the session's own address uses it."""
    key, now = digest(secret), time.time()
    for name, user in context.people.read().users.items():
        session = user.sessions.get(key)
        if session and session.ends_at > now and session.address == address:
            return Person(name, user.role)
    return None


def person_of_token(text: str, *, context: AppContext) -> Person | None:
    """Return the person of an API token. The time of last use is stored, to the minute."""
    kind, _, rest = text.partition("_")
    identifier, _, secret = rest.partition("_")
    token = context.people.read().tokens.get(identifier) if kind == "da" else None
    if token is None or not secrets.compare_digest(token.hash, digest(secret)):
        return None
    if _is_old(token):
        _note_use(identifier, context)
    return Person(f"{token.name} (token)", token.role)


def _is_old(token: Token) -> bool:
    return token.used_at is None or time.time() - token.used_at > _USED_EVERY


def _note_use(identifier: str, context: AppContext) -> None:
    """Save when a token was used. A failure to write does not invalidate the token."""
    with suppress(OSError), context.people.changing() as people:
        token = people.tokens.get(identifier)
        if token and _is_old(token):
            token.used_at = time.time()


def person_of_proxy(name: str, *, context: AppContext) -> Person:
    """Return the person named by a trusted proxy, with the user's role; else a viewer."""
    user = context.people.read().users.get(name)
    return Person(name, user.role if user else Role.VIEWER)


@cache
def _dummy_hash() -> str:
    """Return a hash to check for unknown names, so that response times reveal no names.

    Made at the first log-in, since hashing would delay the server's start.
    """
    return HASHER.hash(secrets.token_hex(16))


def _matches(hash: str, password: str) -> bool:
    try:
        return HASHER.verify(hash, password)
    except (Argon2Error, InvalidHashError):
        return False
