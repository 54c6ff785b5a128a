"""What verbs are declared with: `--json`, the deployment that is meant, how long to wait."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from app.cli.terminal import Terminal
from app.usecases.status.find import find_deployment

F = TypeVar("F", bound=Callable[..., Any])


def _answer_in_json(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    context.ensure_object(Terminal).as_json |= wanted


class Verb(click.Command):
    """A command that answers scripts too."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.params.append(
            click.Option(
                ["--json"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_answer_in_json,
                help="Answer in JSON, errors too.",
            )
        )


class Verbs(click.Group):
    """Several verbs of one subject."""

    command_class = Verb


def verb(name: str | None = None) -> Callable[[Callable[..., None]], Verb]:
    """Make a verb of a function, which gets the Terminal with `@click.pass_obj`."""
    return click.command(name, cls=Verb)


class DeploymentParam(click.ParamType[str]):
    """A deployment by its id or name, given to the verb as its id."""

    name = "deployment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        assert ctx
        if not value:
            return ""  # An argument that may be left out.
        return find_deployment(value, context=ctx.ensure_object(Terminal).context)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        deployments = ctx.ensure_object(Terminal).context.store.scan()
        return [
            CompletionItem(each.id, help=each.name)
            for each in deployments
            if each.id.startswith(incomplete)
        ]


deployment_argument = click.argument("deployment_id", type=DeploymentParam(), metavar="DEPLOYMENT")
wait_option = click.option(
    "--wait",
    "seconds",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long to wait for the end; 0: not at all. Without it: as long as it takes.",
)
