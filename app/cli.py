"""The command line: deployments, users, scripts' tokens. Secrets come from a prompt or input."""

import sys
from datetime import UTC, datetime

import click

from app.config import load_settings
from app.core.deployment import parse_id
from app.core.errors import UserError
from app.core.people import Role
from app.usecases import people
from app.usecases.archive import (
    archive_deployment,
    find_archived,
    list_archived,
    wait_for_archive,
)
from app.usecases.launch import wait_for_launch
from app.usecases.purge import purge_archived
from app.usecases.restart import restart_deployment
from app.usecases.restore import restore_archived
from app.usecases.world import World, build_world

_BY = "the command line"
_ROLES = click.Choice([role.value for role in Role])


class _Errors(click.Group):
    """Tells what a use case refused in its own words, with an exit code for scripts."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except UserError as error:
            words = error.fields.items() or [("", error.detail)]
            raise click.ClickException(
                " ".join(f"{name} {message}".strip() for name, message in words)
            ) from None


@click.group(cls=_Errors)
@click.pass_context
def main(context: click.Context) -> None:
    """Deploy Agent on the command line; works while the server runs or not."""
    context.obj = build_world(load_settings())


@main.command()
@click.argument("deployment_id")
@click.pass_obj
def restart(world: World, deployment_id: str) -> None:
    """Restart a deployment from its files as they are now, and wait until it is proven to run."""
    started = restart_deployment(parse_id(deployment_id), actor=_BY, world=world)
    done = wait_for_launch(started, world=world)
    click.echo(f"{deployment_id} {'is running' if done else 'is still being restarted'}.")


@main.command()
@click.argument("deployment_id")
@click.pass_obj
def archive(world: World, deployment_id: str) -> None:
    """Stop a deployment and put it aside; its port is free then."""
    started = archive_deployment(parse_id(deployment_id), actor=_BY, world=world)
    done = wait_for_archive(started, world=world)
    click.echo(f"{deployment_id} {'is archived' if done else 'is still being archived'}.")


@main.command()
@click.pass_obj
def archived(world: World) -> None:
    """List what is archived: its name there, the deployment's name, when and by whom."""
    for each in list_archived(world=world):
        at = each.at.isoformat(timespec="minutes")
        click.echo(f"{each.name}\t{each.deployment.name}\t{at}\t{each.by}")


@main.command()
@click.argument("archived")
@click.pass_obj
def restore(world: World, archived: str) -> None:
    """Put an archived deployment back; ARCHIVED is its id, or its name in the archive."""
    click.echo(restore_archived(archived, actor=_BY, world=world).words)


@main.command()
@click.argument("archived")
@click.option(
    "--confirm", help="The deployment's name, or its id where it has none; else asked for."
)
@click.pass_obj
def purge(world: World, archived: str, confirm: str | None) -> None:
    """Delete an archived deployment for good; ARCHIVED is its id, or its name in the archive."""
    found = find_archived(archived, world=world)
    typed = confirm or click.prompt(f"Type “{found.label}” to delete it for good")
    purge_archived(found.name, typed, actor=_BY, world=world, wait=None)
    click.echo(f"“{found.label}” was deleted for good.")


@main.group()
def user() -> None:
    """Who may log in."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=_ROLES, default=Role.OPERATOR.value, show_default=True)
@click.pass_obj
def add_user(world: World, name: str, role: str) -> None:
    """Add a user; the password is asked for, or read from standard input."""
    people.add_user(name, role, _password(), by=_BY, world=world)
    click.echo(f"{name} was added as {role}.")


@user.command("passwd")
@click.argument("name")
@click.pass_obj
def set_password(world: World, name: str) -> None:
    """Change a user's password; all their sessions end."""
    people.set_password(name, _password(), by=_BY, world=world)
    click.echo(f"The password of {name} was changed.")


@user.command("remove")
@click.argument("name")
@click.pass_obj
def remove_user(world: World, name: str) -> None:
    """Remove a user."""
    people.remove_user(name, by=_BY, world=world)
    click.echo(f"{name} was removed.")


@user.command("list")
@click.pass_obj
def list_users(world: World) -> None:
    """List the users with their roles."""
    for name, each in sorted(world.people.read().users.items()):
        click.echo(f"{name}\t{each.role}")


@main.group()
def token() -> None:
    """What scripts log in with."""


@token.command("add")
@click.argument("name")
@click.option("--role", type=_ROLES, default=Role.VIEWER.value, show_default=True)
@click.pass_obj
def add_token(world: World, name: str, role: str) -> None:
    """Make a token and print it, this once."""
    click.echo(people.make_token(name, role, _BY, world=world))


@token.command("revoke")
@click.argument("identifier")
@click.pass_obj
def revoke_token(world: World, identifier: str) -> None:
    """Revoke a token by its identifier."""
    people.revoke_token(identifier, by=_BY, world=world)
    click.echo("The token was revoked.")


@token.command("list")
@click.pass_obj
def list_tokens(world: World) -> None:
    """List the tokens by identifier, with name, role and last use."""
    for identifier, each in world.people.read().tokens.items():
        used = datetime.fromtimestamp(each.used_at, UTC) if each.used_at else None
        when = used.isoformat(timespec="minutes") if used else "never used"
        click.echo(f"{identifier}\t{each.name}\t{each.role}\t{when}")


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


if __name__ == "__main__":
    main(prog_name="deploy-agent")
