"""Verbs that bring a gateway up or take it down, and end the one that does."""

import math
from collections.abc import Callable

import click

from app.cli.terminal import Terminal
from app.cli.verbs import deployment_argument, verb, wait_option
from app.usecases.lifecycle.answers import RunningAnswer, StoppedAnswer
from app.usecases.lifecycle.launch import launch_deployment, restart_deployment, wait_for_launch
from app.usecases.lifecycle.stop import stop_deployment, wait_for_stop
from app.usecases.operations.answers import CancelledAnswer, OperationShown
from app.usecases.operations.cancel import cancel_operation, wait_for_cancelled
from app.usecases.operations.start import Started
from app.usecases.status.overview import show_deployment


@verb()
@deployment_argument
@wait_option
@click.pass_obj
def launch(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Launch a gateway, and wait until it is proven to run."""
    bring_up(terminal, launch_deployment, deployment_id, seconds)


@verb()
@deployment_argument
@wait_option
@click.pass_obj
def restart(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Take a gateway down and launch it again.

    What its files say by now is applied.
    """
    bring_up(terminal, restart_deployment, deployment_id, seconds)


@verb()
@deployment_argument
@wait_option
@click.pass_obj
def stop(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Take a gateway down.

    A launch or restart of it that runs is cancelled first.
    """
    started = stop_deployment(deployment_id, actor=terminal.actor, context=terminal.context)
    terminal.wait_for(started, wait_for_stop, meanwhile="stopping", seconds=seconds)
    terminal.answer(f"{deployment_id} is stopped.", StoppedAnswer(deployment_id=deployment_id))


@verb()
@deployment_argument
@wait_option
@click.pass_obj
def cancel(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """End a launch or restart that runs.

    What it started is taken down.
    """
    told = cancel_operation(deployment_id, actor=terminal.actor, context=terminal.context)
    most = math.inf if seconds is None else seconds
    with terminal.waiting_for(told):
        ended = wait_for_cancelled(told, context=terminal.context, seconds=most)
    if ended is None:
        terminal.leave_going_on(told, "stopping")
    terminal.answer(
        f"The {ended.kind.noun} of {deployment_id} was cancelled.",
        CancelledAnswer(
            deployment_id=deployment_id,
            status=show_deployment(deployment_id, context=terminal.context).report.status,
            operation=OperationShown.of(ended),
        ),
    )


def bring_up(
    terminal: Terminal,
    begin: Callable[..., Started],
    deployment_id: str,
    seconds: float | None,
) -> None:
    """Begin what ends with a proven gateway, wait for that, and say so."""
    started = begin(deployment_id, actor=terminal.actor, context=terminal.context)
    terminal.warn(filter(None, [started.warning]))
    terminal.wait_for(started, wait_for_launch, meanwhile="launching", seconds=seconds)
    terminal.answer(
        f"{deployment_id} is running.",
        RunningAnswer(
            deployment_id=deployment_id,
            port=terminal.context.store.load(deployment_id).port,
            warning=started.warning,
        ),
    )
