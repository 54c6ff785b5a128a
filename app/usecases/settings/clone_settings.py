"""Clone settings: use a deployment's settings for a new deployment.

Port and token are never cloned. Secrets are copied only on request and only on the server; pages
never contain them.
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
    """The deployment to clone from, and the kinds of secrets to copy.

    `secrets`: its API keys. `channels`: tokens that only one gateway can use, such as a bot's.
    """

    deployment_id: str
    secrets: bool = False
    channels: bool = False

    def copies(self, field: Field) -> bool:
        return field.secret and (self.channels if field.serves_one else self.secrets)


@dataclass(frozen=True, slots=True)
class CloneableSettings:
    """The settings that can be cloned: `values` by field name; for secrets, only the fields.

    `left` are the variables in `.env` that belong to no field. They are not cloned.
    """

    id: str
    label: str
    values: Mapping[str, str]
    keys: tuple[Field, ...]
    channels: tuple[Field, ...]
    left: tuple[str, ...]


def cloneable_settings(deployment_id: str, *, context: AppContext) -> CloneableSettings:
    """Return the cloneable settings of a deployment. Raises NotFound, DeploymentInvalid."""
    source = _source(deployment_id, context)
    secrets = [each for each in _copyable() if each.secret and source.env.get(each.env)]
    return CloneableSettings(
        source.id,
        source.label,
        _values(source, context),
        keys=tuple(each for each in secrets if not each.serves_one),
        channels=tuple(each for each in secrets if each.serves_one),
        left=tuple(key for key, value in source.env.items() if value and key not in BY_ENV),
    )


def with_cloned_settings(
    given: Mapping[str, Any], like: CloneSource | None, *, context: AppContext
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return the given values, completed by cloned values, and the names of copied secrets.

    An empty given setting stays empty; an empty given secret is replaced by the copy. Raises
    NotFound, DeploymentInvalid.
    """
    if like is None:
        return given, ()
    source = _source(like.deployment_id, context)
    copied = {
        each.name: source.env[each.env]
        for each in _copyable()
        if like.copies(each) and source.env.get(each.env) and not given.get(each.name)
    }
    return {**_values(source, context), **given, **copied}, tuple(copied)


def record_copied_secrets(
    like: CloneSource | None, copied: tuple[str, ...], to: str, *, actor: str, context: AppContext
) -> None:
    """Record in the source deployment's history that its secrets were copied."""
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
