"""Commands that launch, stop, restart, cancel, archive, restore and delete."""

import math
from collections.abc import Callable

import click

from app.cli.terminal import Terminal
from app.cli.verbs import deployment_argument, verb, wait_option
from app.usecases.lifecycle.answers import (
    ArchivedAnswer,
    ArchivedShown,
    PurgedAnswer,
    RestoredAnswer,
    RunningAnswer,
    StoppedAnswer,
)
from app.usecases.lifecycle.archive import archive_deployment, find_archived, list_archived
from app.usecases.lifecycle.launch import launch_deployment, restart_deployment
from app.usecases.lifecycle.purge import purge_archived
from app.usecases.lifecycle.restore import restore_archived
from app.usecases.lifecycle.stop import stop_deployment
from app.usecases.operations.answers import CancelledAnswer, OperationShown
from app.usecases.operations.cancel import cancel_operation, wait_for_cancelled
from app.usecases.operations.start import Started
from app.usecases.status.overview import show_deployment


@verb()
@deployment_argument
@wait_option
@click.pass_obj
def launch(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Launch a gateway, and wait until it is verified."""
    bring_up(terminal, launch_deployment, deployment_id, seconds)


@verb()
@deployment_argument
@wait_option
@click.pass_obj
def restart(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Take a gateway down and launch it again.

    Changes to the deployment's files take effect.
    """
    bring_up(terminal, restart_deployment, deployment_id, seconds)


@verb()
@deployment_argument
@wait_option
@click.pass_obj
def stop(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Take a gateway down.

    A running launch or restart is cancelled first.
    """
    started = stop_deployment(deployment_id, actor=terminal.actor, context=terminal.context)
    terminal.wait_for(started, meanwhile="stopping", seconds=seconds)
    terminal.answer(f"{deployment_id} is stopped.", StoppedAnswer(deployment_id=deployment_id))


@verb()
@deployment_argument
@wait_option
@click.pass_obj
def cancel(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Cancel an operation that is under way.

    A cancelled launch or restart removes its containers. A cancelled update or reconfiguration is
    rolled back.
    """
    cancelled = cancel_operation(deployment_id, actor=terminal.actor, context=terminal.context)
    most = math.inf if seconds is None else seconds
    with terminal.waiting_for(cancelled):
        ended = wait_for_cancelled(cancelled, context=terminal.context, seconds=most)
    if ended is None:
        terminal.leave_going_on(cancelled, "stopping")
    terminal.answer(
        f"The {ended.kind.noun} of {deployment_id} was cancelled.",
        CancelledAnswer(
            deployment_id=deployment_id,
            status=show_deployment(deployment_id, context=terminal.context).report.status,
            operation=OperationShown.of(ended),
        ),
    )


@verb()
@deployment_argument
@wait_option
@click.pass_obj
def archive(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Stop a deployment and move it into the archive. This frees its port."""
    started = archive_deployment(deployment_id, actor=terminal.actor, context=terminal.context)
    terminal.wait_for(started, meanwhile="stopping", seconds=seconds)
    answer = ArchivedAnswer(deployment_id=deployment_id)
    terminal.answer(f"{deployment_id} is archived.", answer)


@verb()
@click.pass_obj
def archived(terminal: Terminal) -> None:
    """List the archived deployments, the latest archived first."""
    terminal.table(
        [ArchivedShown.of(each) for each in list_archived(context=terminal.context)],
        {
            "archived": "Archived",
            "name": "Name",
            "port": "Port",
            "archived_at": "When",
            "archived_by": "By",
        },
        otherwise="Nothing is archived.",
    )


@verb()
@click.argument("archived")
@click.pass_obj
def restore(terminal: Terminal, archived: str) -> None:
    """Restore an archived deployment.

    ARCHIVED is the deployment's id, or the archive name that “archived” lists.
    """
    restored = restore_archived(archived, actor=terminal.actor, context=terminal.context)
    terminal.answer(
        restored.words,
        RestoredAnswer(
            deployment_id=restored.deployment.id,
            port=restored.deployment.port,
            remarks=list(restored.remarks),
        ),
    )


@verb()
@click.argument("archived")
@click.option(
    "--confirm",
    help="The deployment's name, or its id if it has no name. Without this option, you are asked.",
)
@click.pass_obj
def purge(terminal: Terminal, archived: str, confirm: str | None) -> None:
    """Delete an archived deployment for good.

    ARCHIVED is the deployment's id, or the archive name that “archived” lists.
    """
    found = find_archived(archived, context=terminal.context)
    typed = confirm or click.prompt(f"Type “{found.label}” to delete it for good", err=True)
    purge_archived(found.name, typed, actor=terminal.actor, context=terminal.context, wait=None)
    terminal.answer(
        f"“{found.label}” was deleted for good.", PurgedAnswer(deployment_id=found.deployment.id)
    )


def bring_up(
    terminal: Terminal, begin: Callable[..., Started], deployment_id: str, seconds: float | None
) -> None:
    """Start an operation that brings a gateway up, wait for it, and report it."""
    started = begin(deployment_id, actor=terminal.actor, context=terminal.context)
    terminal.warn(filter(None, [started.warning]))
    terminal.wait_for(started, meanwhile="launching", seconds=seconds)
    terminal.answer(
        f"{deployment_id} is running.",
        RunningAnswer(
            deployment_id=deployment_id,
            port=terminal.context.store.load(deployment_id).port,
            warning=started.warning,
        ),
    )
