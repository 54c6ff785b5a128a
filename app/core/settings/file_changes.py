"""Reconfiguring: from a deployment's files and what is asked for to the files as they will be.

Every value is changed where it stands, so comments, order and what Deploy Agent does not
know stay. Of the compose file only the network follows the port: all else in it is read
from `.env`, or is a person's own.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any, Literal

from app.core.secrets import Masker, secrets_in_text
from app.core.settings.compose_file import passes_on, with_subnet
from app.core.settings.env_file import parse_env, with_value, without_value
from app.core.settings.field_checks import ValueRejected, check_value
from app.core.settings.fields import BY_ENV, BY_NAME, FIELDS, NAME, PORT, TOKEN, Field, is_secret
from app.core.settings.fingerprints import COMPOSE, IN_CONFIG
from app.core.settings.ports import subnet_of

_DIFF_CONTEXT = 2


@dataclass(frozen=True, slots=True)
class DeploymentFiles:
    """The two files of a deployment; `compose` is None where there is none to be read as text."""

    env: bytes = field(repr=False)
    compose: str | None = field(repr=False)

    @property
    def values(self) -> dict[str, str]:
        return parse_env(self.env)


@dataclass(frozen=True, slots=True)
class CheckedChanges:
    """Input after the rules: the new value of each variable (None: none), errors by field name."""

    values: Mapping[str, str | None] = field(repr=False)
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One variable of `.env` that gets another value; None where it has none."""

    env: str
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)

    @property
    def field(self) -> Field | None:
        return BY_ENV.get(self.env)

    @property
    def name(self) -> str:
        return self.field.name if self.field else self.env

    @property
    def label(self) -> str:
        return self.field.label if self.field else self.env

    @property
    def secret(self) -> bool:
        return is_secret(self.env)

    @property
    def what(self) -> Literal["added", "changed", "removed"]:
        if not self.before:
            return "added"
        return "changed" if self.after else "removed"


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A change as it is shown: of a secret no value, of any other none in which one stands."""

    name: str
    env: str
    label: str
    what: Literal["added", "changed", "removed"]
    secret: bool
    before: str | None
    after: str | None


def shown_changes(
    changes: Iterable[SettingChange], secrets: Iterable[str]
) -> tuple[ShownChange, ...]:
    """Return changes as they are shown."""
    mask = Masker(secrets)

    def shown(each: SettingChange, value: str | None) -> str | None:
        return None if each.secret or value is None else mask(value)

    return tuple(
        ShownChange(
            each.name,
            each.env,
            each.label,
            each.what,
            each.secret,
            shown(each, each.before),
            shown(each, each.after),
        )
        for each in changes
    )


def label_of(key: str) -> str:
    """Return what people call a variable, or the file of that name."""
    return BY_ENV[key].label if key in BY_ENV else key


def check_changes(
    given: Mapping[str, Any],
    remove: Collection[str],
    env: Mapping[str, str],
    fallbacks: Mapping[str, str],
) -> CheckedChanges:
    """Hold what was given against the schema and the variables as they are.

    What is not given stays, and so does a secret that is given empty. Any other field
    that is emptied has its value in `fallbacks`, or none. What stands in `.env` already
    is not held against the rules: somebody may have had reasons.
    """
    values: dict[str, str | None] = {}
    errors: dict[str, str] = {}
    for name, raw in given.items():
        try:
            values |= _one(name, raw, env, fallbacks)
        except ValueRejected as wrong:
            errors[name] = str(wrong)
    for name in remove:
        known = BY_NAME.get(name)
        if known is None or known.group != "optional":
            errors[name] = "can't be removed" if known else "is no field of a deployment"
        elif given.get(name) and known.secret:
            errors[name] = "is both given and to be removed"
        elif env.get(known.env):
            values[known.env] = _emptied(known, fallbacks)
    return CheckedChanges(values, errors)


def _one(
    name: str, raw: Any, env: Mapping[str, str], fallbacks: Mapping[str, str]
) -> dict[str, str | None]:
    """Return the change that one given field makes, if it makes one. Raises Wrong."""
    known = BY_NAME.get(name)
    before = env.get(known.env, "") if known else ""
    if known and known is not TOKEN:
        empty = raw is None or raw == ""
        if raw == before or (empty and (known.secret or not before)):
            return {}
    value = check_value(name, raw)
    assert known is not None, "check_value takes known names only"
    if not value and known is PORT:
        raise ValueRejected("is needed")
    after = value or _emptied(known, fallbacks)
    return {} if (after or "") == before else {known.env: after}


def _emptied(known: Field, fallbacks: Mapping[str, str]) -> str | None:
    return fallbacks.get(known.name)


def with_changes(
    files: DeploymentFiles, values: Mapping[str, str | None], pool: IPv4Network
) -> DeploymentFiles:
    """Return the files with these values in them. Raises EnvFileError."""
    env = files.env
    for key, value in values.items():
        env = without_value(env, key) if value is None else with_value(env, key, value)
    port, compose = values.get(PORT.env), files.compose
    if port and compose is not None:
        compose = with_subnet(compose, subnet_of(int(port), pool), pool)
    return DeploymentFiles(env, compose)


def changes_between(
    before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[SettingChange, ...]:
    """Return what differs, in the schema's order: also what only follows from another value."""
    keys = dict.fromkeys([*(each.env for each in FIELDS), *before, *after])
    return tuple(
        SettingChange(key, before.get(key), after.get(key))
        for key in keys
        if (before.get(key) or "") != (after.get(key) or "")
    )


def compose_diff(
    before: DeploymentFiles, after: DeploymentFiles, secrets: Iterable[str]
) -> tuple[str, ...]:
    """Return how the compose file differs, line by line, secrets masked."""
    if before.compose == after.compose or before.compose is None or after.compose is None:
        return ()
    mask = Masker([*secrets, *secrets_in_text(before.compose)])
    lines = difflib.unified_diff(
        mask(before.compose).splitlines(),
        mask(after.compose).splitlines(),
        COMPOSE,
        COMPOSE,
        n=_DIFF_CONTEXT,
        lineterm="",
    )
    return tuple(lines)


def manual_steps(
    changes: Iterable[SettingChange], before: DeploymentFiles, after: DeploymentFiles
) -> tuple[str, ...]:
    """Return, in sentences, what has to be done by hand since a compose file is a person's own."""
    compose = before.compose
    if compose is None:
        return ("It has no docker-compose.yml that can be read, so nothing reaches a gateway yet.",)
    changed = {each.env for each in changes}
    left = [
        f"docker-compose.yml does not use {each}, so the gateway does not get it: add it there."
        for each in sorted(changed - (IN_CONFIG - {PORT.env}) - {NAME.env})
        if not passes_on(compose, each)
    ]
    if "OPENCLAW_IMAGE" in changed:
        left.append(
            "An image of another version may change the gateway's state, so that the old image"
            " can't read it any more. Update keeps a copy of the state; this does not."
        )
    if PORT.env in changed and before.compose == after.compose and "subnet" in compose:
        left.append(
            "docker-compose.yml has a network of somebody's own, which is left as it is: it must"
            " overlap no other."
        )
    return tuple(left)
