"""The command that changes a deployment's settings."""

import click

from app.cli.settings.field_input import ask_option, given_fields, set_option
from app.cli.terminal import Terminal
from app.cli.verbs import deployment_argument, verb, wait_option
from app.usecases.operations.start import Started
from app.usecases.settings.answers import PreviewAnswer
from app.usecases.settings.change_request import ChangeRequest
from app.usecases.settings.reconfigure import (
    reconfigure_deployment,
    reconfigured,
    resume_reconfiguration,
)
from app.usecases.settings.reconfigure_plan import ReconfigurePlan, plan_reconfiguration


@verb()
@deployment_argument
@set_option
@ask_option
@click.option("--remove", multiple=True, metavar="FIELD", help="Remove the value of this field.")
@click.option("--preview", is_flag=True, help="Show the change, but do not make it.")
@click.option("--save", "then", flag_value="save", help="Do not restart a running gateway.")
@click.option(
    "--launch", "then", flag_value="launch", help="Launch the deployment if it is not running."
)
@click.option("--restart", "then", flag_value="restart", default=True, hidden=True)
@click.option("--finish", "verb_", flag_value="finish", help="Finish an interrupted change.")
@click.option("--undo", "verb_", flag_value="undo", help="Undo an interrupted change.")
@wait_option
@click.pass_obj
def reconfigure(
    terminal: Terminal,
    deployment_id: str,
    assignments: tuple[str, ...],
    asked: tuple[str, ...],
    remove: tuple[str, ...],
    preview: bool,
    then: str,
    verb_: str | None,
    seconds: float | None,
) -> None:
    """Change fields of a deployment, and restart it if needed.

    If the gateway does not come up, the change is rolled back. --ask prompts for a secret.
    Without a terminal, secrets are read from standard input, as lines of OPENROUTER_API_KEY=VALUE.
    """
    actor, context = terminal.actor, terminal.context
    if verb_:
        resumed = resume_reconfiguration(deployment_id, verb_, actor=actor, context=context)
        _report(terminal, deployment_id, resumed, seconds)
        return
    request = ChangeRequest(given_fields(assignments, asked), remove)
    if preview:
        _show_plan(terminal, plan_reconfiguration(deployment_id, request, context=context))
        return
    started = reconfigure_deployment(deployment_id, request, then, actor=actor, context=context)
    _report(terminal, deployment_id, started, seconds)


def _show_plan(terminal: Terminal, plan: ReconfigurePlan) -> None:
    if terminal.as_json:
        terminal.write(PreviewAnswer.of(plan).as_json())
        return
    rows = [
        {
            "label": each.label,
            "before": each.before or "",
            "after": each.what if each.secret else each.after or "",
        }
        for each in plan.shown_changes
    ]
    columns = {"label": "Field", "before": "Now", "after": "After"}
    terminal.table(rows, columns, otherwise="Nothing would be changed.")
    if plan.restart:
        click.echo(f"A restart is needed for {', '.join(plan.restart)}.")
    for line in (*plan.by_hand, *plan.diff):
        click.echo(line)


def _report(
    terminal: Terminal, deployment_id: str, started: Started | None, seconds: float | None
) -> None:
    if started:
        terminal.wait_for(started, meanwhile="launching", seconds=seconds)
    answer = reconfigured(deployment_id, started, context=terminal.context)
    words = f"{deployment_id} is {answer.status}, with {', '.join(answer.changed)} changed."
    terminal.answer(
        words if answer.changed else f"{deployment_id} already has these settings.", answer
    )
