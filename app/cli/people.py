"""The commands for users and for API tokens."""

import sys

import click

from app.cli.settings.field_input import read_input
from app.cli.terminal import Terminal
from app.cli.verbs import Verbs
from app.core.people import Role
from app.usecases.people import people

_ROLES = click.Choice([role.value for role in Role])


@click.group(cls=Verbs)
def user() -> None:
    """Users who may log in."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=_ROLES, default=Role.OPERATOR.value, show_default=True)
@click.pass_obj
def add_user(terminal: Terminal, name: str, role: str) -> None:
    """Add a user.

    You are asked for the password, or it is read from standard input.
    """
    people.add_user(name, role, _password(), by=terminal.actor, context=terminal.context)
    terminal.answer(f"{name} was added as {role}.", name=name, role=role)


@user.command("passwd")
@click.argument("name")
@click.pass_obj
def set_password(terminal: Terminal, name: str) -> None:
    """Change a user's password and end all of the user's sessions.

    You are asked for the new password, or it is read from standard input.
    """
    people.set_password(name, _password(), by=terminal.actor, context=terminal.context)
    terminal.answer(f"The password of {name} was changed.", name=name)


@user.command("remove")
@click.argument("name")
@click.pass_obj
def remove_user(terminal: Terminal, name: str) -> None:
    """Remove a user."""
    people.remove_user(name, by=terminal.actor, context=terminal.context)
    terminal.answer(f"{name} was removed.", name=name)


@user.command("list")
@click.pass_obj
def list_users(terminal: Terminal) -> None:
    """List the users with their roles."""
    terminal.table(
        people.list_users(context=terminal.context),
        {"name": "Name", "role": "Role"},
        otherwise="There are no users: everybody on this machine may do everything.",
    )


@click.group(cls=Verbs)
def token() -> None:
    """Tokens with which scripts log in."""


@token.command("add")
@click.argument("name")
@click.option("--role", type=_ROLES, default=Role.VIEWER.value, show_default=True)
@click.pass_obj
def add_token(terminal: Terminal, name: str, role: str) -> None:
    """Create a token and print it, this one time."""
    made = people.make_token(name, role, terminal.actor, context=terminal.context)
    terminal.answer(made, name=name, role=role, token=made)


@token.command("revoke")
@click.argument("identifier")
@click.pass_obj
def revoke_token(terminal: Terminal, identifier: str) -> None:
    """Revoke a token by its identifier."""
    people.revoke_token(identifier, by=terminal.actor, context=terminal.context)
    terminal.answer("The token was revoked.", id=identifier)


@token.command("list")
@click.pass_obj
def list_tokens(terminal: Terminal) -> None:
    """List the tokens by identifier, with name, role and last use."""
    terminal.table(
        people.list_tokens(context=terminal.context),
        {"id": "Id", "name": "Name", "role": "Role", "used_at": "Last used"},
        otherwise="There are no tokens.",
    )


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return read_input(sys.stdin.readline).rstrip("\r\n")
