"""Users and scripts' tokens: adding, removing, listing; and the first operator's set-up link."""

import hashlib
import secrets
import time

from argon2 import PasswordHasher

from app.core.errors import InputRejected, NotFound
from app.core.people import Person, Role, name_problem, password_problem
from app.store.files import storage_errors
from app.store.people import Setup, Token, User
from app.usecases.world import World

SETUP_SECONDS = 30 * 60
_hasher = PasswordHasher()


def digest(secret: str) -> str:
    """Return what is kept of a random secret; it is long, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def has_users(world: World) -> bool:
    return bool(world.people.read().users)


def add_user(name: str, role: str, password: str, *, world: World) -> Person:
    """Raises InputRejected, StorageFailed."""
    errors = _errors(name=name_problem(name), password=password_problem(password))
    if role not in list(Role):
        errors["role"] = "must be viewer or operator"
    if name in world.people.read().users:
        errors["name"] = "is taken"
    if errors:
        raise InputRejected(errors)
    with storage_errors("The user was not added."), world.people.changing() as people:
        people.users[name] = User(role, _hasher.hash(password))
        people.setup = None
    return Person(name, Role(role))


def set_password(name: str, password: str, *, world: World) -> None:
    """Change a password; every session of that user ends. Raises NotFound, InputRejected."""
    if problem := password_problem(password):
        raise InputRejected({"password": problem})
    with storage_errors("The password was not changed."), world.people.changing() as people:
        user = people.users.get(name)
        if user is None:
            raise _no_user(name)
        user.password = _hasher.hash(password)
        user.sessions.clear()


def remove_user(name: str, *, world: World) -> None:
    """Raises NotFound, or InputRejected for the last operator of several users."""
    with storage_errors("The user was not removed."), world.people.changing() as people:
        if name not in people.users:
            raise _no_user(name)
        left = [each for other, each in people.users.items() if other != name]
        if left and not any(each.role == Role.OPERATOR for each in left):
            raise InputRejected({"name": "is the last operator; add another one first"})
        del people.users[name]


def make_token(name: str, role: str, made_by: str, *, world: World) -> str:
    """Make a script's token and return it: the only time that it is known."""
    errors = _errors(name=None if name.strip() else "is needed")
    if role not in list(Role):
        errors["role"] = "must be viewer or operator"
    if errors:
        raise InputRejected(errors)
    identifier, secret = secrets.token_hex(4), secrets.token_hex(32)
    with storage_errors("The token was not made."), world.people.changing() as people:
        people.tokens[identifier] = Token(
            name.strip()[:80], role, digest(secret), made_by, time.time()
        )
    return f"da_{identifier}_{secret}"


def revoke_token(identifier: str, *, world: World) -> None:
    """Raises NotFound."""
    with storage_errors("The token was not revoked."), world.people.changing() as people:
        if people.tokens.pop(identifier, None) is None:
            raise NotFound("There is no such token; it may have been revoked already.")


def begin_setup(*, world: World) -> str:
    """Return the secret of a new set-up link; one that was made before is dead."""
    secret = secrets.token_urlsafe(24)
    with storage_errors("No set-up link was made."), world.people.changing() as people:
        people.setup = Setup(digest(secret), time.time() + SETUP_SECONDS)
    return secret


def setup_is_open(secret: str, *, world: World) -> bool:
    """Say whether a set-up link still opens: not used, not expired, and no users yet."""
    people = world.people.read()
    setup = people.setup
    return (
        setup is not None
        and not people.users
        and time.time() < setup.ends_at
        and secrets.compare_digest(setup.hash, digest(secret))
    )


def set_up(secret: str, name: str, password: str, *, world: World) -> Person:
    """Make the first operator's account. Raises NotFound for a dead link, InputRejected."""
    if not setup_is_open(secret, world=world):
        raise NotFound(
            "This set-up link is dead: it was used, is older than 30 minutes, or was never"
            " made. Restart the server for a new one, or add a user on the command line."
        )
    return add_user(name, Role.OPERATOR, password, world=world)


def _errors(**problems: str | None) -> dict[str, str]:
    return {name: problem for name, problem in problems.items() if problem}


def _no_user(name: str) -> NotFound:
    return NotFound(f"There is no user {name!r}.")
