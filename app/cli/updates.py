"""Verbs that give a gateway another image, or the one before."""

import click

from app.cli.terminal import Terminal
from app.cli.verbs import deployment_argument, verb, wait_option
from app.usecases.operations import Started
from app.usecases.update import go_back, update_deployment, wait_for_update


@verb()
@deployment_argument
@click.option("--image", required=True, help="Its name, with a tag or digest.")
@wait_option
@click.pass_obj
def update(terminal: Terminal, deployment_id: str, image: str, seconds: float | None) -> None:
    """Update a gateway to another image.

    It is proven with it, or back on the image and the state that it had.
    """
    started = update_deployment(deployment_id, image, actor=terminal.actor, world=terminal.world)
    _wait(terminal, started, seconds)


@verb("go-back")
@deployment_argument
@wait_option
@click.pass_obj
def to_version_before(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Go back to the version before the last update.

    Its state comes back with it. What happened since is set aside, so that this can be undone too.
    """
    started = go_back(deployment_id, actor=terminal.actor, world=terminal.world)
    _wait(terminal, started, seconds)


def _wait(terminal: Terminal, started: Started, seconds: float | None) -> None:
    operation = started.operation
    terminal.wait_for(started, wait_for_update, meanwhile="launching", seconds=seconds)
    image = operation.arguments["image"]
    terminal.answer(
        f"{operation.deployment_id} is running {image}.",
        deployment_id=operation.deployment_id,
        status="running",
        port=terminal.world.store.load(operation.deployment_id).port,
        image=image,
    )
