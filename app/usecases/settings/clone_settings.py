"""Another like this: the settings of a deployment, offered to a new one.

Port and token are a deployment's own. Secrets go along only where that was asked
for; they are taken here, on the server, and never go through a page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.deployment import Deployment
from app.core.errors import DeploymentInvalid
from app.core.settings.clone_name import next_name
from app.core.settings.field import Field
from app.core.settings.fields import BY_ENV, FIELDS
from app.store import history
from app.usecases.context import AppContext


@dataclass(frozen=True, slots=True)
class CloneSource:
    """The deployment that a new one is to be like, and whether its secrets go along.

    `channels` are the tokens of what can serve one gateway only, such as a bot.
    """

    deployment_id: str
    secrets: bool = False
    channels: bool = False

    def takes(self, field: Field) -> bool:
        return field.secret and (self.channels if field.serves_one else self.secrets)


@dataclass(frozen=True, slots=True)
class CloneableSettings:
    """What another deployment has to give: `values` by field name, secrets by field alone."""

    id: str
    name: str
    values: Mapping[str, str]
    keys: tuple[Field, ...]
    channels: tuple[Field, ...]
    left: tuple[str, ...]

    @property
    def called(self) -> str:
        return self.name or self.id


def cloneable_settings(deployment_id: str, *, context: AppContext) -> CloneableSettings:
    """Return what a deployment has to give. Raises NotFound, DeploymentInvalid."""
    source = _source(deployment_id, context)
    held = [each for each in _copyable() if each.secret and source.env.get(each.env)]
    return CloneableSettings(
        source.id,
        source.name,
        _values(source, context),
        keys=tuple(each for each in held if not each.serves_one),
        channels=tuple(each for each in held if each.serves_one),
        left=tuple(key for key, value in source.env.items() if value and key not in BY_ENV),
    )


def with_cloned_settings(
    given: Mapping[str, Any], like: CloneSource | None, *, context: AppContext
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return what was given, the rest from the other one, and which secrets were taken from it.

    A setting that was given empty stays empty; a secret that was given empty is taken.
    Raises NotFound, DeploymentInvalid.
    """
    if like is None:
        return given, ()
    source = _source(like.deployment_id, context)
    taken = {
        each.name: source.env[each.env]
        for each in _copyable()
        if like.takes(each) and source.env.get(each.env) and not given.get(each.name)
    }
    return {**_values(source, context), **given, **taken}, tuple(taken)


def record_copied_secrets(
    like: CloneSource | None, copied: tuple[str, ...], to: str, *, actor: str, context: AppContext
) -> None:
    """Record in the other one's history that secrets of it were taken."""
    if like and copied:
        folder = context.store.folder(like.deployment_id)
        history.record(folder, "copy_secrets", actor, fields=list(copied), to=to)


def _source(deployment_id: str, context: AppContext) -> Deployment:
    source = context.store.load(deployment_id)
    if not source.env:
        why = source.problem or "its .env is empty"
        raise DeploymentInvalid(f"There is nothing to copy from {deployment_id}: {why}.")
    return source


def _values(source: Deployment, context: AppContext) -> dict[str, str]:
    values = {
        each.name: source.env[each.env]
        for each in _copyable()
        if not each.secret and source.env.get(each.env)
    }
    if name := next_name(source.name, {each.name for each in context.store.scan()}):
        values["name"] = name
    return values


def _copyable() -> list[Field]:
    return [each for each in FIELDS if each.group != "auto"]
