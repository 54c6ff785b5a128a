"""The commands for a gateway's own token. None of the commands shows the token."""

from collections.abc import Callable

import click

from app.cli.exit_codes import FAILED
from app.cli.terminal import Terminal
from app.cli.verbs import deployment_argument, verb, wait_option
from app.core.text import plain
from app.usecases.operations.start import Started
from app.usecases.status.overview import show_deployment
from app.usecases.tokens.answers import TokenCheckAnswer, VerifiedTokenAnswer
from app.usecases.tokens.check import check_token, equalize_token
from app.usecases.tokens.rotate import rotate_token


@verb("rotate-token")
@deployment_argument
@wait_option
@click.pass_obj
def rotate(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Give a gateway a new token and verify it."""
    _change_token(terminal, rotate_token, deployment_id, seconds, "has a new token")


@verb("equalize-token")
@deployment_argument
@wait_option
@click.pass_obj
def equalize(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Write the token of .env to every place.

    A gateway that runs with another token is restarted, and must accept the token of .env.
    """
    _change_token(
        terminal, equalize_token, deployment_id, seconds, "has the token of .env everywhere"
    )


@verb("check-token")
@deployment_argument
@click.pass_obj
def check(terminal: Terminal, deployment_id: str) -> None:
    """Compare the token in its four places, without showing it.

    The exit code is 1 if a place has another token.
    """
    found = check_token(deployment_id, context=terminal.context)
    lines = [
        f"{each.label}: {each.match}{f', {plain(each.reason)}' if each.reason else ''}"
        for each in found.places
    ]
    terminal.answer(
        "\n".join((*lines, found.words)), TokenCheckAnswer.of(found, deployment_id=deployment_id)
    )
    if found.differ:
        raise click.exceptions.Exit(FAILED)


def _change_token(
    terminal: Terminal,
    begin: Callable[..., Started],
    deployment_id: str,
    seconds: float | None,
    outcome: str,
) -> None:
    started = begin(deployment_id, actor=terminal.actor, context=terminal.context)
    ended = terminal.wait_for(started, meanwhile="launching", seconds=seconds)
    proven = ended.verified is not None
    how = "which the gateway accepts" if proven else "which its next launch verifies"
    status = show_deployment(deployment_id, context=terminal.context).report.status
    terminal.answer(
        f"{deployment_id} {outcome}, {how}.",
        VerifiedTokenAnswer(deployment_id=deployment_id, status=status, proven=proven),
    )
