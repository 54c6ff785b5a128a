"""Reconfiguration: apply requested settings to a deployment's files.

Values are edited in place, so comments, order and unknown variables survive. In the compose file
only the network changes, together with the port: everything else in that file comes from `.env` or
was written by a person.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any, Literal

from app.core.secrets import Masker, secrets_in_text
from app.core.settings.compose_file import passes_on, with_subnet
from app.core.settings.env_file import parse_env, with_value, without_value
from app.core.settings.field import Field
from app.core.settings.field_checks import ValueRejected, check_value
from app.core.settings.fields import BY_ENV, BY_NAME, FIELDS, NAME, PORT, TOKEN, is_secret
from app.core.settings.fingerprints import COMPOSE, IN_CONFIG
from app.core.settings.ports import subnet_of

_DIFF_CONTEXT = 2


@dataclass(frozen=True, slots=True)
class DeploymentFiles:
    """A deployment's two files. `compose` is None if that file is missing or not text."""

    env: bytes = field(repr=False)
    compose: str | None = field(repr=False)

    @property
    def values(self) -> dict[str, str]:
        return parse_env(self.env)


@dataclass(frozen=True, slots=True)
class CheckedChanges:
    """Checked input: new values of variables (None removes one), and errors by field name."""

    values: Mapping[str, str | None] = field(repr=False)
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One changed variable of `.env`; None means that the variable has no value."""

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
    """A change for display, without the values of secrets, and other values masked."""

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
    """Return the label of a variable. A file's name is its own label."""
    return BY_ENV[key].label if key in BY_ENV else key


def check_changes(
    given: Mapping[str, Any],
    remove: Collection[str],
    env: Mapping[str, str],
    fallbacks: Mapping[str, str],
) -> CheckedChanges:
    """Check requested changes against the schema and the current variables.

    Fields that are not given keep their value, and so do secrets that are given empty. Any other
    field that is given empty gets its value in `fallbacks`, or none. Values that are already in
    `.env` are not checked: somebody may have had a reason for them.
    """
    values: dict[str, str | None] = {}
    errors: dict[str, str] = {}
    for name, raw in given.items():
        try:
            values |= _requested_change(name, raw, env, fallbacks)
        except ValueRejected as wrong:
            errors[name] = str(wrong)
    for name in remove:
        known = BY_NAME.get(name)
        if known is None or known.group != "optional":
            errors[name] = "can't be removed" if known else "is not a field of a deployment"
        elif given.get(name) and known.secret:
            errors[name] = "can't be both set and removed"
        elif env.get(known.env):
            values[known.env] = fallbacks.get(known.name)
    return CheckedChanges(values, errors)


def _requested_change(
    name: str, raw: Any, env: Mapping[str, str], fallbacks: Mapping[str, str]
) -> dict[str, str | None]:
    """Return the change made by one given field, empty if none. Raises ValueRejected."""
    known = BY_NAME.get(name)
    before = env.get(known.env, "") if known else ""
    if known and known is not TOKEN:
        empty = raw is None or raw == ""
        if raw == before or (empty and (known.secret or not before)):
            return {}
    value = check_value(name, raw)
    assert known is not None, "check_value rejects unknown names"
    if not value and known is PORT:
        raise ValueRejected("is needed")
    after = value or fallbacks.get(known.name)
    return {} if (after or "") == before else {known.env: after}


def with_changes(
    files: DeploymentFiles, values: Mapping[str, str | None], pool: IPv4Network
) -> DeploymentFiles:
    """Return the files with new values. Raises EnvFileError."""
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
    """Return every difference in the schema's order, including consequences of other changes."""
    keys = dict.fromkeys([*(each.env for each in FIELDS), *before, *after])
    return tuple(
        SettingChange(key, before.get(key), after.get(key))
        for key in keys
        if (before.get(key) or "") != (after.get(key) or "")
    )


def compose_diff(
    before: DeploymentFiles, after: DeploymentFiles, secrets: Iterable[str]
) -> tuple[str, ...]:
    """Return the lines of a diff of the compose file, secrets masked."""
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
    """Return what the reader has to do by hand, in sentences.

    Deploy Agent does not rewrite a compose file that somebody has edited.
    """
    compose = before.compose
    if compose is None:
        return ("There is no readable docker-compose.yml, so nothing reaches the gateway yet.",)
    changed = {each.env for each in changes}
    left = [
        f"docker-compose.yml does not use {each}, so the gateway does not get it: add it there."
        for each in sorted(changed - (IN_CONFIG - {PORT.env}) - {NAME.env})
        if not passes_on(compose, each)
    ]
    if "OPENCLAW_IMAGE" in changed:
        left.append(
            "An image of another version may change the gateway's state so that the old image can"
            " no longer read it. Update keeps a copy of the state; this change does not."
        )
    if PORT.env in changed and before.compose == after.compose and "subnet" in compose:
        left.append(
            "The network in docker-compose.yml was set by hand and is left as it is. It must not"
            " overlap another network."
        )
    return tuple(left)
