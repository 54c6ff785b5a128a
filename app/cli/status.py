"""The commands that show deployments and reveal a secret."""

import click

from app.cli.terminal import Terminal
from app.cli.verbs import deployment_argument, verb
from app.core.access.page_obstacles import PageVisitor
from app.core.deployment import Deployment
from app.core.settings.fields import BY_NAME, TOKEN
from app.core.settings.ports import probe_address
from app.core.status.readiness import LABELS, CheckState
from app.usecases.access.page_obstacles import page_obstacles_of
from app.usecases.operations.answers import OperationShown
from app.usecases.status.answers import (
    CauseShown,
    DeploymentAnswer,
    DeploymentShown,
    ReadinessCheckShown,
)
from app.usecases.status.diagnose import diagnose
from app.usecases.status.overview import list_deployments
from app.usecases.status.readiness import check_readiness
from app.usecases.tokens.answers import RevealedAnswer
from app.usecases.tokens.reveal import reveal_secret

_MARKS = {CheckState.PASSED: "✓", CheckState.FAILED: "✗", CheckState.PENDING: "·"}


@verb("list")
@click.pass_obj
def list_all(terminal: Terminal) -> None:
    """List the deployments with status, port and reason."""
    views = list_deployments(terminal.context)
    terminal.table(
        [DeploymentShown.of_view(each, _host(each.deployment, terminal)) for each in views],
        {
            "deployment_id": "Id",
            "name": "Name",
            "status": "Status",
            "port": "Port",
            "reason": "Reason",
        },
        otherwise=f"There are no deployments in {terminal.context.settings.deployments_dir}.",
    )


@verb()
@deployment_argument
@click.pass_obj
def show(terminal: Terminal, deployment_id: str) -> None:
    """Show one deployment: status, readiness, last operation."""
    view, checks = check_readiness(deployment_id, context=terminal.context)
    host = _host(view.deployment, terminal)
    obstacles = page_obstacles_of(
        view.deployment, PageVisitor(host, local=True), context=terminal.context
    )
    cause = diagnose(view, checks, context=terminal.context)
    answer = DeploymentAnswer.in_full(view, host, checks, obstacles, cause)
    terminal.sheet(answer, _facts(answer))


@verb()
@deployment_argument
@click.argument("field", default=TOKEN.name)
@click.pass_obj
def reveal(terminal: Terminal, deployment_id: str, field: str) -> None:
    """Print a secret. The history records that you did.

    Without FIELD, print the gateway's token. “fields” lists the names of the other secrets.
    """
    value = reveal_secret(deployment_id, field, actor=terminal.actor, context=terminal.context)
    terminal.answer(value, RevealedAnswer(value=value))


def _host(deployment: Deployment, terminal: Terminal) -> str:
    """Return the host for links to a gateway: PUBLIC_HOST, else a name that works on this host."""
    bound = deployment.env.get(BY_NAME["bind_address"].env, "")
    return terminal.context.settings.public_host or probe_address(bound)


def _facts(shown: DeploymentAnswer) -> list[tuple[str, str]]:
    """Return the facts about a deployment that `show` prints, as (label, text)."""
    facts = [
        ("Id", shown.deployment_id),
        ("Name", shown.name),
        ("Status", f"{shown.status}: {shown.reason}"),
        ("Remark", shown.remark),
        ("Page", shown.page_url or ""),
        ("WebSocket", shown.ws_url or ""),
        ("Folder", shown.deploy_dir),
        *(("Container", f"{each.name}: {each.status}") for each in shown.containers),
    ]
    if shown.containers:
        facts += [("Ready", _readiness(each)) for each in shown.checks]
    if shown.cause:
        facts += [("Cause", _cause(shown.cause)), ("Fix", shown.cause.fix)]
    if shown.operation:
        facts.append(("Operation", _operation(shown.operation)))
    return [(label, words) for label, words in facts if words]


def _readiness(check: ReadinessCheckShown) -> str:
    said = " ".join(filter(None, (check.detail, check.next_step)))
    words = f"{_MARKS[check.state]} {LABELS[check.name]}"
    return f"{words}: {said}" if said else words


def _cause(cause: CauseShown) -> str:
    words = f"{cause.words} {cause.next_step}".strip()
    return f"{words} ({cause.code})"


def _operation(operation: OperationShown) -> str:
    words = f"{operation.kind} {operation.id} by {operation.actor}: {operation.state}"
    return " ".join(filter(None, (words, operation.reason, operation.next_step)))
