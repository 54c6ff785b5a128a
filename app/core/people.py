"""People: roles, permissions, and the rules for names and passwords."""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.core.text import is_plain

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}\Z", re.ASCII)
SHORTEST_PASSWORD = 10
_LONGEST_PASSWORD = 256
_LONGEST_TOKEN_NAME = 80


class Role(StrEnum):
    """A viewer may read; an operator may also change things and reveal secrets."""

    VIEWER = "viewer"
    OPERATOR = "operator"


class Permission(StrEnum):
    """The permission that a route requires. `PUBLIC` is for everybody, as on the login page."""

    PUBLIC = "public"
    VIEW = "view"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class Person:
    """A caller: a user, a script with a token, or somebody at this machine."""

    name: str
    role: Role

    def may(self, permission: Permission) -> bool:
        return permission is not Permission.OPERATE or self.role is Role.OPERATOR


# Without users, anybody at this machine may do everything.
LOCAL = Person("a local user", Role.OPERATOR)


def name_problem(name: str) -> str | None:
    """Return what is wrong with a user's name, or None."""
    if _NAME.match(name):
        return None
    return "must be 1 to 32 characters: a-z, 0-9, dot, dash and underscore"


def token_name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a script's token, or None."""
    if not name:
        return "is needed"
    if len(name) > _LONGEST_TOKEN_NAME:
        return f"must be at most {_LONGEST_TOKEN_NAME} characters long"
    if not is_plain(name) or {"\t", "\n"} & set(name):
        return "must be a single line without control characters"
    return None


def password_problem(password: str) -> str | None:
    """Return what is wrong with a password, or None."""
    if len(password) < SHORTEST_PASSWORD:
        return f"must have at least {SHORTEST_PASSWORD} characters"
    if len(password) > _LONGEST_PASSWORD:
        return f"must have at most {_LONGEST_PASSWORD} characters"
    return None
