"""The command that checks this host and the deployments folder."""

import click

from app.cli.exit_codes import FAILED
from app.cli.terminal import Terminal
from app.cli.verbs import verb
from app.core.doctor.finding import as_text
from app.usecases.doctor.doctor import examine


@verb()
@click.pass_obj
def doctor(terminal: Terminal) -> None:
    """Check Docker, this host and the deployments folder.

    The exit code is 1 if a finding is bad. Warnings and unknown results leave it at 0.
    """
    examination = examine(context=terminal.context)
    terminal.answer(as_text(examination.findings), examination)
    if examination.anything_bad:
        raise click.exceptions.Exit(FAILED)
