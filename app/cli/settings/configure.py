"""The commands that create a deployment, and list its fields."""

import click

from app.cli.settings.field_input import ask_option, given_fields, set_option
from app.cli.terminal import Terminal
from app.cli.verbs import DeploymentParam, verb
from app.core.errors import InputRejected
from app.core.settings.fields import FIELDS
from app.usecases.settings.answers import ConfiguredAnswer, SchemaShown
from app.usecases.settings.check_fields import warnings_of
from app.usecases.settings.clone_settings import CloneSource
from app.usecases.settings.configure import configure_deployment, field_defaults

_NEEDED = tuple(each for each in FIELDS if each.group == "mandatory")


@verb()
@set_option
@ask_option
@click.option("--like", type=DeploymentParam(), help="Copy missing settings from this deployment.")
@click.option("--copy-secrets", is_flag=True, help="Copy its API keys too; this is recorded.")
@click.option("--copy-channels", is_flag=True, help="Copy its bots' tokens too; this is recorded.")
@click.pass_obj
def configure(
    terminal: Terminal,
    assignments: tuple[str, ...],
    asked: tuple[str, ...],
    like: str | None,
    copy_secrets: bool,
    copy_channels: bool,
) -> None:
    """Create a deployment and print its id. “launch” then starts it.

    At a terminal you are asked for secrets. Otherwise secrets are read from standard input, as
    lines of OPENROUTER_API_KEY=VALUE or as JSON objects.
    """
    if (copy_secrets or copy_channels) and not like:
        raise InputRejected({"--like": "is needed to copy anything"})
    source = CloneSource(like, copy_secrets, copy_channels) if like else None
    given = given_fields(assignments, asked, () if copy_secrets else _NEEDED)
    deployment = configure_deployment(
        given, actor=terminal.actor, context=terminal.context, like=source
    )
    warnings = warnings_of(deployment, context=terminal.context)
    terminal.warn(warnings.values())
    terminal.answer(deployment.id, ConfiguredAnswer.of_new(deployment, warnings))


@verb()
@click.pass_obj
def fields(terminal: Terminal) -> None:
    """List the fields that --set and --ask accept."""
    shown = SchemaShown.of_fields(field_defaults(terminal.context))
    terminal.table(
        [*shown.auto, *shown.mandatory, *shown.optional],
        {"name": "Field", "type": "Type", "default": "Default", "label": "Meaning"},
        otherwise="",
        answer=shown.as_json(),
    )
