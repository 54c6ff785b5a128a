"""Log-ins: from a name and password to a session, and from a session or token to a person."""

import secrets
import time
from contextlib import suppress
from functools import cache
from threading import BoundedSemaphore

from argon2.exceptions import Argon2Error, InvalidHashError

from app.core.errors import NotLoggedIn
from app.core.people import Person, Role
from app.store.files import storage_errors
from app.store.people import Session, Token
from app.usecases.context import AppContext
from app.usecases.people.people import HASHER, digest

SESSION_SECONDS = 12 * 3600
_USED_EVERY = 60.0
_MOST_SESSIONS = 20
# Each check takes 64 MiB and all cores for a moment.
_CHECKS = BoundedSemaphore(4)


def log_in(name: str, password: str, address: str, *, context: AppContext) -> str:
    """Return the secret of a new session. Raises NotLoggedIn, TooManyAttempts, StorageFailed."""
    proven = prove(name, password, address, context=context)
    return open_session(name, address, context=context, proven=proven)


def prove(name: str, password: str, address: str, *, context: AppContext) -> str:
    """Check a password, slowly for who guesses, and return the hash that it matched.

    Raises NotLoggedIn, TooManyAttempts.
    """
    shared = bool(address) and address == context.settings.trusted_proxy
    attempt = context.attempts.begin(name, "" if shared else address)
    user = context.people.read().users.get(name)
    with _CHECKS:
        nobody = _nobody()
        hashed = user.password if user else nobody
        matches = _matches(hashed, password)
    if not matches or user is None:
        raise NotLoggedIn("The name or the password is wrong.")
    context.attempts.succeeded(attempt)
    return hashed


def open_session(name: str, address: str, *, context: AppContext, proven: str | None = None) -> str:
    """Return the secret of a new session of a user who has proven who they are.

    `proven` is the hash that their password matched: a change in between ends it.
    """
    secret, now = secrets.token_urlsafe(32), time.time()
    with storage_errors("You were not logged in."), context.people.changing() as people:
        user = people.users.get(name)
        if user is None or (proven is not None and user.password != proven):
            raise NotLoggedIn("The name or the password is wrong.")
        good = {key: each for key, each in user.sessions.items() if each.ends_at > now}
        newest = sorted(good.items(), key=lambda item: item[1].ends_at)[-_MOST_SESSIONS + 1 :]
        user.sessions = {**dict(newest), digest(secret): Session(now + SESSION_SECONDS, address)}
    return secret


def log_out(secret: str, *, context: AppContext) -> None:
    """End a session for good: a copy of its cookie opens nothing any more."""
    key = digest(secret)
    with storage_errors("You were not logged out."), context.people.changing() as people:
        for user in people.users.values():
            user.sessions.pop(key, None)


def person_of_session(secret: str, address: str, *, context: AppContext) -> Person | None:
    """Return whose session it is, used from the address that it was begun at."""
    key, now = digest(secret), time.time()
    for name, user in context.people.read().users.items():
        session = user.sessions.get(key)
        if session and session.ends_at > now and session.address == address:
            return Person(name, user.role)
    return None


def person_of_token(text: str, *, context: AppContext) -> Person | None:
    """Return whom a script's token speaks for; when it was last used is kept to the minute."""
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
    """Write down that a token is in use; a disk that can't be written keeps no script out."""
    with suppress(OSError), context.people.changing() as people:
        token = people.tokens.get(identifier)
        if token and _is_old(token):
            token.used_at = time.time()


def person_of_proxy(name: str, *, context: AppContext) -> Person:
    """Return whom a trusted proxy has logged in: with the role of the user of that name."""
    user = context.people.read().users.get(name)
    return Person(name, user.role if user else Role.VIEWER)


@cache
def _nobody() -> str:
    """Return what is checked where the name is unknown, so that the time tells no names.

    Made at the first log-in, whoever's: a start that nobody logs in after need not wait for it.
    """
    return HASHER.hash(secrets.token_hex(16))


def _matches(hash: str, password: str) -> bool:
    try:
        return HASHER.verify(hash, password)
    except (Argon2Error, InvalidHashError):
        return False
