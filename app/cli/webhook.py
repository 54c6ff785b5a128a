"""Where messages go when a gateway dies, and a test of it."""

import click

from app.cli.terminal import Terminal
from app.cli.verbs import Verbs
from app.usecases.webhook.webhook import send_test_message, show_webhook


@click.group(cls=Verbs)
def webhook() -> None:
    """Who is told when a gateway dies."""


@webhook.command("show")
@click.pass_obj
def show(terminal: Terminal) -> None:
    """Show where messages go, and what came of the last ones."""
    found = show_webhook(terminal.context)
    if terminal.as_json:
        terminal.answer("", found)
        return
    terminal.answer(f"Messages go to {found.host}." if found.host else "They are off.")
    terminal.table(
        found.deliveries,
        {
            "at": "When",
            "event": "Event",
            "deployment_id": "Deployment",
            "words": "Outcome",
            "tries": "Tries",
        },
        otherwise="None was sent yet.",
    )


@webhook.command("test")
@click.pass_obj
def test(terminal: Terminal) -> None:
    """Send a test message, and wait for what comes of it."""
    found = send_test_message(actor=terminal.actor, context=terminal.context)
    terminal.answer(f"{found.host} took the message.", found)
