"""The command that lists and removes orphans."""

import click

from app.cli.exit_codes import GOING_ON
from app.cli.terminal import Terminal
from app.cli.verbs import verb
from app.usecases.orphans.answers import OrphanShown, RemovedOrphanAnswer, RemovingOrphanAnswer
from app.usecases.orphans.orphans import list_orphans_now
from app.usecases.orphans.remove import remove_orphan


@verb()
@click.option(
    "--remove",
    "project",
    metavar="PROJECT",
    help="Stop and remove the containers and networks of this Compose project.",
)
@click.pass_obj
def stranded(terminal: Terminal, project: str | None) -> None:
    """List orphans: containers and networks without a folder. Or remove an orphan."""
    if project:
        _remove(terminal, project)
        return
    orphans = list_orphans_now(context=terminal.context).all
    found = [OrphanShown.of(each).as_json() for each in orphans]
    terminal.table(
        found
        if terminal.as_json
        else [{**each, "perhaps": _owner(each["perhaps"])} for each in found],
        {"project": "Project", "kind": "What", "perhaps": "Owner", "why": "Why"},
        otherwise="There are no orphans.",
    )


def _remove(terminal: Terminal, project: str) -> None:
    if remove_orphan(project, actor=terminal.actor, context=terminal.context, seconds=None):
        terminal.answer(f"{project} was removed.", RemovedOrphanAnswer(project=project))
        return
    terminal.answer(f"{project} is still being removed.", RemovingOrphanAnswer(project=project))
    raise click.exceptions.Exit(GOING_ON)


def _owner(perhaps: bool) -> str:
    return "perhaps not ours" if perhaps else "ours"
