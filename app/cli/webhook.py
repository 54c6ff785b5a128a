"""The commands for the webhook."""

import click

from app.cli.terminal import Terminal
from app.cli.verbs import Verbs
from app.usecases.webhook.webhook import send_test_message, show_webhook


@click.group(cls=Verbs)
def webhook() -> None:
    """The receiver of messages about gateways."""


@webhook.command("show")
@click.pass_obj
def show(terminal: Terminal) -> None:
    """Show the receiver of messages, and the last deliveries."""
    found = show_webhook(terminal.context)
    if terminal.as_json:
        terminal.answer("", found)
        return
    terminal.answer(f"Messages go to {found.host}." if found.host else "Messages are off.")
    terminal.table(
        found.deliveries,
        {
            "at": "When",
            "event": "Event",
            "deployment_id": "Deployment",
            "words": "Outcome",
            "tries": "Tries",
        },
        otherwise="No message has been sent yet.",
    )


@webhook.command("test")
@click.pass_obj
def test(terminal: Terminal) -> None:
    """Send a test message and wait for the outcome."""
    found = send_test_message(actor=terminal.actor, context=terminal.context)
    terminal.answer(f"{found.host} accepted the message.", found)
