"""Verbs around the archive."""

import click

from app.cli.terminal import Terminal
from app.cli.verbs import deployment_argument, verb, wait_option
from app.usecases.lifecycle.answers import (
    ArchivedAnswer,
    ArchivedShown,
    PurgedAnswer,
    RestoredAnswer,
)
from app.usecases.lifecycle.archive import (
    archive_deployment,
    find_archived,
    list_archived,
    wait_for_archive,
)
from app.usecases.lifecycle.purge import purge_archived
from app.usecases.lifecycle.restore import restore_archived


@verb()
@deployment_argument
@wait_option
@click.pass_obj
def archive(terminal: Terminal, deployment_id: str, seconds: float | None) -> None:
    """Stop a deployment and put it aside; its port is free then."""
    started = archive_deployment(deployment_id, actor=terminal.actor, context=terminal.context)
    terminal.wait_for(started, wait_for_archive, meanwhile="stopping", seconds=seconds)
    answer = ArchivedAnswer(deployment_id=deployment_id)
    terminal.answer(f"{deployment_id} is archived.", answer)


@verb()
@click.pass_obj
def archived(terminal: Terminal) -> None:
    """List what is archived, the latest first."""
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
    """Put an archived deployment back.

    ARCHIVED is its id, or its name in the archive, which “archived” lists.
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
    "--confirm", help="The deployment's name, or its id where it has none; else asked for."
)
@click.pass_obj
def purge(terminal: Terminal, archived: str, confirm: str | None) -> None:
    """Delete an archived deployment for good.

    ARCHIVED is its id, or its name in the archive, which “archived” lists.
    """
    found = find_archived(archived, context=terminal.context)
    typed = confirm or click.prompt(f"Type “{found.label}” to delete it for good", err=True)
    purge_archived(found.name, typed, actor=terminal.actor, context=terminal.context, wait=None)
    terminal.answer(
        f"“{found.label}” was deleted for good.",
        PurgedAnswer(deployment_id=found.deployment.id),
    )
