"""How commands are declared: `--json`, the deployment argument, the wait option."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from app.cli.terminal import Terminal
from app.usecases.status.overview import find_deployment

F = TypeVar("F", bound=Callable[..., Any])


def _answer_in_json(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    context.ensure_object(Terminal).as_json |= wanted


class Verb(click.Command):
    """A command with the option `--json`."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.params.append(
            click.Option(
                ["--json"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_answer_in_json,
                help="Print JSON, also for errors.",
            )
        )


class Verbs(click.Group):
    """A group of commands with the option `--json`."""

    command_class = Verb


def verb(name: str | None = None) -> Callable[[Callable[..., None]], Verb]:
    """Declare a function as a command. The function gets the Terminal by `@click.pass_obj`."""
    return click.command(name, cls=Verb)


class DeploymentParam(click.ParamType[str]):
    """An argument that names a deployment by id or name. The command gets the id."""

    name = "deployment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        assert ctx
        if not value:
            return ""  # An optional argument.
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
    help="Seconds to wait for the operation to end; 0 does not wait. Default: wait until it ends.",
)
