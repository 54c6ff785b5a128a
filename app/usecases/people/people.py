"""Users and API tokens: add, remove, list. Also the set-up link for the first operator."""

import hashlib
import secrets
import time
from datetime import UTC, datetime

from argon2 import PasswordHasher

from app.core.errors import InputRejected, LinkExpired, NotFound
from app.core.people import Person, Role, name_problem, password_problem, token_name_problem
from app.store import history
from app.store.people import People, Setup, Token, User
from app.store.storage_errors import storage_errors
from app.usecases.context import AppContext

SETUP_SECONDS = 30 * 60
HASHER = PasswordHasher()


def digest(secret: str) -> str:
    """Return the hash under which a random secret is stored. Long secrets need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def has_users(context: AppContext) -> bool:
    return bool(context.people.read().users)


def list_users(*, context: AppContext) -> list[dict[str, str]]:
    """Return the name and role of each user, sorted by name."""
    users = sorted(context.people.read().users.items())
    return [{"name": name, "role": user.role} for name, user in users]


def list_tokens(*, context: AppContext) -> list[dict[str, str | None]]:
    """Return the API tokens without their secrets, oldest first."""
    tokens = sorted(context.people.read().tokens.items(), key=lambda each: each[1].made_at)
    return [
        {
            "id": identifier,
            "name": token.name,
            "role": token.role,
            "made_by": token.made_by,
            "made_at": _moment(token.made_at),
            "used_at": _moment(token.used_at),
        }
        for identifier, token in tokens
    ]


def add_user(
    name: str, role: str, password: str, *, by: str, context: AppContext, setup: str | None = None
) -> Person:
    """Add a user. `setup` is the secret of a set-up link, which must be valid.

    Raises InputRejected, LinkExpired, StorageFailed.
    """
    errors = _errors(name=name_problem(name), password=password_problem(password))
    if role not in list(Role):
        errors["role"] = "must be viewer or operator"
    if errors:
        raise InputRejected(errors)
    hashed = HASHER.hash(password)
    with storage_errors("The user was not added."), context.people.changing() as people:
        # Check again under the lock: two requests may use one link at the same time.
        if setup is not None and not is_setup_valid(people, setup):
            raise _expired_link()
        if name in people.users:
            raise InputRejected({"name": "is taken"})
        people.users[name] = User(Role(role), hashed)
        people.setup = None
    _record(context, "add_user", by, user=name, role=role)
    return Person(name, Role(role))


def set_password(name: str, password: str, *, by: str, context: AppContext) -> None:
    """Change a password and end all sessions of that user. Raises NotFound, InputRejected."""
    if problem := password_problem(password):
        raise InputRejected({"password": problem})
    hashed = HASHER.hash(password)
    with storage_errors("The password was not changed."), context.people.changing() as people:
        user = people.users.get(name)
        if user is None:
            raise _no_user(name)
        user.password = hashed
        user.sessions.clear()
    _record(context, "set_password", by, user=name)


def remove_user(name: str, *, by: str, context: AppContext) -> None:
    """Remove a user. Raises NotFound; InputRejected if others would be left without an operator."""
    with storage_errors("The user was not removed."), context.people.changing() as people:
        if name not in people.users:
            raise _no_user(name)
        left = [each for other, each in people.users.items() if other != name]
        if left and not any(each.role == Role.OPERATOR for each in left):
            raise InputRejected({"name": "is the last operator; add another operator first"})
        del people.users[name]
    _record(context, "remove_user", by, user=name)


def make_token(name: str, role: str, made_by: str, *, context: AppContext) -> str:
    """Make an API token and return it. Only a hash is stored, so the token can't be shown again."""
    errors = _errors(token_name=token_name_problem(name.strip()))
    if role not in list(Role):
        errors["token_role"] = "must be viewer or operator"  # noqa: S105
    if errors:
        raise InputRejected(errors)
    identifier, secret = secrets.token_hex(4), secrets.token_hex(32)
    with storage_errors("The token was not made."), context.people.changing() as people:
        people.tokens[identifier] = Token(
            name.strip(), Role(role), digest(secret), made_by, time.time()
        )
    _record(context, "make_token", made_by, token=identifier, role=role)
    return f"da_{identifier}_{secret}"


def revoke_token(identifier: str, *, by: str, context: AppContext) -> None:
    """Revoke an API token. Raises NotFound."""
    with storage_errors("The token was not revoked."), context.people.changing() as people:
        if people.tokens.pop(identifier, None) is None:
            raise NotFound("There is no such token. Maybe the token was revoked already.")
    _record(context, "revoke_token", by, token=identifier)


def begin_setup(*, context: AppContext) -> str:
    """Return the secret of a new set-up link; earlier links become invalid."""
    secret = secrets.token_urlsafe(24)
    with storage_errors("No set-up link was made."), context.people.changing() as people:
        people.setup = Setup(digest(secret), time.time() + SETUP_SECONDS)
    return secret


def check_setup(secret: str, *, context: AppContext) -> None:
    """Raise LinkExpired if a set-up link is not valid."""
    if not is_setup_valid(context.people.read(), secret):
        raise _expired_link()


def set_up(secret: str, name: str, password: str, *, context: AppContext) -> Person:
    """Make the first operator's account. Raises LinkExpired, InputRejected."""
    check_setup(secret, context=context)
    return add_user(
        name, Role.OPERATOR, password, by="the set-up link", context=context, setup=secret
    )


def is_setup_valid(people: People, secret: str) -> bool:
    """Return whether a set-up link is valid: unused, not expired, and there are no users yet."""
    setup = people.setup
    return (
        setup is not None
        and not people.users
        and time.time() < setup.ends_at
        and secrets.compare_digest(setup.hash, digest(secret))
    )


def _expired_link() -> LinkExpired:
    return LinkExpired(
        "This set-up link is not valid: it was used, is older than 30 minutes, or was never made."
        " Restart the server for a new one, or add a user on the command line."
    )


def _record(context: AppContext, what: str, who: str, **more: str) -> None:
    """Record a change of users or tokens in the history of the deployments folder."""
    with storage_errors("The change was made, but it could not be recorded."):
        history.record(context.settings.deployments_dir, what, who, **more)


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _errors(**problems: str | None) -> dict[str, str]:
    return {name: problem for name, problem in problems.items() if problem}


def _no_user(name: str) -> NotFound:
    return NotFound(f"There is no user {name!r}.")
