"""The commands that update gateways to another image, or go back to the previous version."""

import math
import time

import click

from app.cli.exit_codes import GOING_ON
from app.cli.terminal import Terminal
from app.cli.verbs import DeploymentParam, deployment_argument, verb, wait_option
from app.core.errors import UpdateFailed
from app.core.operations.operation import OperationState
from app.usecases.operations.start import Started
from app.usecases.updates.answers import BatchAnswer, UpdatedAnswer
from app.usecases.updates.update import go_back, update_deployment
from app.usecases.updates.update_many import find_batch, update_many

_LOOK_SECONDS = 0.5


@verb()
@click.argument(
    "deployment_ids", type=DeploymentParam(), nargs=-1, required=True, metavar="DEPLOYMENT…"
)
@click.option("--image", required=True, help="The image's name, with a tag or digest.")
@wait_option
@click.pass_obj
def update(
    terminal: Terminal, deployment_ids: tuple[str, ...], image: str, seconds: float | None
) -> None:
    """Update gateways to another image.

    Each gateway is verified with the new image or rolled back. Several gateways are updated one
    after the other; the batch stops at the first failure.
    """
    if len(deployment_ids) > 1:
        return _update_many(terminal, deployment_ids, image, seconds)
    started = update_deployment(
        deployment_ids[0], image, actor=terminal.actor, context=terminal.context
    )
    return _wait(terminal, started, seconds)


@verb("go-back")
@deployment_argument
@wait_option
@click.pass_obj
def to_previous_version(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Go back to the previous version.

    The gateway's state from before its last update is restored. The present state is kept, so
    that a second “go-back” undoes the first.
    """
    started = go_back(deployment_id, actor=terminal.actor, context=terminal.context)
    _wait(terminal, started, seconds)


def _wait(terminal: Terminal, started: Started, seconds: float | None) -> None:
    operation = started.operation
    terminal.wait_for(started, meanwhile="launching", seconds=seconds)
    image = operation.arguments["image"]
    terminal.answer(
        f"{operation.deployment_id} is running {image}.",
        UpdatedAnswer(
            deployment_id=operation.deployment_id,
            port=terminal.context.store.load(operation.deployment_id).port,
            image=image,
        ),
    )


def _update_many(
    terminal: Terminal, deployment_ids: tuple[str, ...], image: str, seconds: float | None
) -> None:
    batch = update_many(deployment_ids, image, actor=terminal.actor, context=terminal.context)
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    while batch.is_running and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        batch = find_batch(batch.number, context=terminal.context)
    if batch.is_running:
        words = f"{len(batch.left)} deployments still wait for their update; the batch goes on."
        terminal.answer(words, BatchAnswer.of(batch))
        raise click.exceptions.Exit(GOING_ON)
    if batch.state is not OperationState.SUCCEEDED:
        raise UpdateFailed(
            batch.reason or "The batch was interrupted before all deployments were updated."
        )
    terminal.answer(
        f"{len(batch.ids)} deployments are running {batch.image}.", BatchAnswer.of(batch)
    )
