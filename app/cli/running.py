"""Verbs that bring a gateway up or take it down."""

import click

from app.cli.terminal import Terminal
from app.cli.verbs import deployment_argument, verb, wait_option
from app.usecases.launch import wait_for_launch
from app.usecases.operations import Started
from app.usecases.restart import restart_deployment


@verb()
@deployment_argument
@wait_option
@click.pass_obj
def restart(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Take a gateway down and launch it again from its files as they are now."""
    started = restart_deployment(deployment_id, actor=terminal.actor, world=terminal.world)
    _bring_up(terminal, started, seconds)


def _bring_up(terminal: Terminal, started: Started, seconds: float | None) -> None:
    """Wait until a gateway is proven to run, and say so."""
    terminal.wait_for(started, wait_for_launch, meanwhile="launching", seconds=seconds)
    deployment = terminal.world.store.load(started.operation.deployment_id)
    terminal.answer(
        f"{deployment.id} is running.",
        deployment_id=deployment.id,
        status="running",
        port=deployment.port,
    )
