"""Log-ins: from a name and password to a session, and from a session or token to a person."""

import secrets
import time

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from app.core.errors import NotLoggedIn
from app.core.people import Person, Role
from app.store.files import storage_errors
from app.usecases.people import digest
from app.usecases.world import World

SESSION_SECONDS = 12 * 3600
_USED_EVERY = 60.0
_hasher = PasswordHasher()
# Checked where the name is unknown, so that the time tells no names.
_NOBODY = _hasher.hash(secrets.token_hex(16))


def log_in(name: str, password: str, address: str, *, world: World) -> str:
    """Return the secret of a new session. Raises NotLoggedIn, TooManyAttempts, StorageFailed."""
    keys = (f"name {name}", f"address {address}")
    world.attempts.count(*keys)
    user = world.people.read().users.get(name)
    if not _matches(user.password if user else _NOBODY, password) or user is None:
        raise NotLoggedIn("The name or the password is wrong.")
    world.attempts.succeeded(*keys)
    return open_session(name, world=world)


def open_session(name: str, *, world: World) -> str:
    """Return the secret of a new session of a user who has proven who they are."""
    secret, now = secrets.token_urlsafe(32), time.time()
    with storage_errors("You were not logged in."), world.people.changing() as people:
        user = people.users.get(name)
        if user is None:
            raise NotLoggedIn("The name or the password is wrong.")
        user.sessions = {key: ends for key, ends in user.sessions.items() if ends > now}
        user.sessions[digest(secret)] = now + SESSION_SECONDS
    return secret


def log_out(secret: str, *, world: World) -> None:
    """End a session for good: a copy of its cookie opens nothing any more."""
    key = digest(secret)
    with storage_errors("You were not logged out."), world.people.changing() as people:
        for user in people.users.values():
            user.sessions.pop(key, None)


def person_of_session(secret: str, *, world: World) -> Person | None:
    key, now = digest(secret), time.time()
    for name, user in world.people.read().users.items():
        if user.sessions.get(key, 0) > now:
            return Person(name, Role(user.role))
    return None


def person_of_token(text: str, *, world: World) -> Person | None:
    """Return whom a script's token speaks for; when it was last used is kept to the minute."""
    _, _, rest = text.partition("da_")
    identifier, _, secret = rest.partition("_")
    token = world.people.read().tokens.get(identifier)
    if token is None or not secrets.compare_digest(token.hash, digest(secret)):
        return None
    now = time.time()
    if token.used_at is None or now - token.used_at > _USED_EVERY:
        with storage_errors("The token's use was not recorded."), world.people.changing() as people:
            if identifier in people.tokens:
                people.tokens[identifier].used_at = now
    return Person(f"{token.name} (token)", Role(token.role))


def person_of_proxy(name: str, *, world: World) -> Person:
    """Return whom a trusted proxy has logged in: with the role of the user of that name."""
    user = world.people.read().users.get(name)
    return Person(name, Role(user.role) if user else Role.VIEWER)


def _matches(hash: str, password: str) -> bool:
    try:
        return _hasher.verify(hash, password)
    except (Argon2Error, InvalidHashError):
        return False
