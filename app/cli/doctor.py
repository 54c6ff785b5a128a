"""The verb that looks whether this host and the folder have all that they need."""

import click

from app.cli.exit_codes import FAILED
from app.cli.terminal import Terminal
from app.cli.verbs import verb
from app.core.doctor.finding import as_text
from app.usecases.doctor.doctor import examine


@verb()
@click.pass_obj
def doctor(terminal: Terminal) -> None:
    """Say what Docker, this host and the folders need.

    Ends with 1 where something is bad; warnings and what is not known end with 0.
    """
    examination = examine(context=terminal.context)
    terminal.answer(as_text(examination.findings), examination)
    if examination.anything_bad:
        raise click.exceptions.Exit(FAILED)
