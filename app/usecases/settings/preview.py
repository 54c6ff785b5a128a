"""Preview: the files that configuring would write, made by the same code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.secrets import MASK
from app.core.settings.field import Field
from app.core.settings.field_checks import check_input
from app.core.settings.fields import BY_NAME, FIELDS, PORT
from app.core.settings.placeholders import Placeholders, PreviewPart
from app.core.settings.ports import subnet_of
from app.store.deployments import DeploymentContent
from app.usecases.context import AppContext
from app.usecases.settings.clone_settings import CloneSource, with_cloned_settings
from app.usecases.settings.configure import deployment_content, env_variables, problems_of


@dataclass(frozen=True, slots=True)
class File:
    name: str
    pieces: tuple[PreviewPart, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """The previewed files, and the fields left out because of wrong values."""

    files: tuple[File, ...]
    left_out: tuple[Field, ...]


def preview_files(
    given: Mapping[str, Any],
    *,
    deployment_id: str,
    like: CloneSource | None = None,
    context: AppContext,
) -> Preview:
    """Return the files for these values, with placeholders for secrets and unknown values.

    Raises NotFound, DeploymentInvalid.
    """
    given, _ = with_cloned_settings(given, like, context=context)
    checked = check_input(given)
    wrong = problems_of(checked, context=context)
    accepted = {name: value for name, value in checked.values.items() if name not in wrong}
    placeholders = Placeholders()
    content = _content(deployment_id, accepted, placeholders, context)
    files = {
        ".env": content.env,
        "docker-compose.yml": content.compose_file,
        "config/openclaw.json": content.openclaw_config,
    }
    return Preview(
        tuple(File(name, placeholders.parts_of(data.decode())) for name, data in files.items()),
        tuple(each for each in FIELDS if each.name in wrong and given.get(each.name)),
    )


def _content(
    deployment_id: str, accepted: Mapping[str, str], placeholders: Placeholders, context: AppContext
) -> DeploymentContent:
    """Return the files, with placeholders for secrets and unknown values."""
    values = {
        name: placeholders.stand_in(MASK) if BY_NAME[name].secret else value
        for name, value in accepted.items()
    }
    for each in FIELDS:
        if each.group == "mandatory" and each.name not in values:
            values[each.name] = placeholders.stand_in("needed")
    port = values.get(PORT.name) or placeholders.stand_in("a free port")
    subnet = (
        subnet_of(int(port), context.settings.subnet_pool)
        if PORT.name in values
        else placeholders.stand_in("the network of its port")
    )
    env = env_variables(values, port, placeholders.stand_in("made when configured"), context)
    return deployment_content(env, deployment_id, subnet, context)
