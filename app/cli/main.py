"""The command `deploy-agent` and the table of its subcommands."""

import errno
import os
import sys
import traceback
from importlib import import_module

import click

from app.cli.exit_codes import EXITS, INTERRUPTED, CommandFailed
from app.cli.terminal import Terminal
from app.core.errors import InputRejected, StorageFailed, UserError
from app.version import VERSION

# The module of each command, under app/cli. Only the called command's module is imported, to
# save time.
_VERBS = {
    "list": "status:list_all",
    "show": "status:show",
    "fields": "settings.configure:fields",
    "configure": "settings.configure:configure",
    "reconfigure": "settings.reconfigure:reconfigure",
    "launch": "lifecycle:launch",
    "stop": "lifecycle:stop",
    "restart": "lifecycle:restart",
    "cancel": "lifecycle:cancel",
    "update": "updates:update",
    "go-back": "updates:to_previous_version",
    "logs": "logs:logs",
    "rotate-token": "tokens:rotate",
    "check-token": "tokens:check",
    "equalize-token": "tokens:equalize",
    "archive": "lifecycle:archive",
    "archived": "lifecycle:archived",
    "restore": "lifecycle:restore",
    "purge": "lifecycle:purge",
    "stranded": "orphans:stranded",
    "history": "history:history",
    "reveal": "status:reveal",
    "webhook": "webhook:webhook",
    "doctor": "doctor:doctor",
    "user": "people:user",
    "token": "people:token",
}


class _Verbs(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _VERBS:
            return None
        module, _, attribute = _VERBS[name].partition(":")
        found = getattr(import_module(f"app.cli.{module}"), attribute)
        assert isinstance(found, click.Command)
        return found

    def invoke(self, context: click.Context) -> object:
        """Report every error as a sentence with an exit code, never as a traceback."""
        try:
            return super().invoke(context)
        except UserError as error:
            raise _refused(error, context) from None
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None
        except click.Abort:
            raise _unanswered(context) from None
        except (click.ClickException, click.exceptions.Exit):
            raise
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # The program that read our output has ended; click handles this error.
            raise _refused(StorageFailed(_os_error_words(error)), context) from None
        except Exception as error:  # noqa: BLE001 - no caller would report it
            if os.environ.get("DEPLOY_AGENT_LOG_LEVEL") == "debug":
                traceback.print_exc()
            raise _refused(_bug(error), context) from None

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXITS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="deploy-agent")
@click.pass_context
def main(context: click.Context) -> None:
    """Deploy Agent on the command line. It works with or without a running server."""
    context.obj = context.obj or Terminal()
    if os.environ.get("NO_COLOR"):
        context.color = False


def _refused(error: UserError, context: click.Context) -> CommandFailed:
    terminal = context.find_object(Terminal)
    return CommandFailed(error, as_json=bool(terminal and terminal.as_json))


def _unanswered(context: click.Context) -> Exception:
    """Return the exception for a prompt that was not answered."""
    if sys.stdin.isatty():
        click.echo(err=True)
        return click.exceptions.Exit(INTERRUPTED)
    return _refused(InputRejected({"standard input": "ended before the answer"}), context)


def _os_error_words(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    return f"{os.strerror(error.errno or 0)}{where}."


def _bug(error: Exception) -> UserError:
    return UserError(
        f"Deploy Agent itself failed ({type(error).__name__})."
        " Put DEPLOY_AGENT_LOG_LEVEL=debug before the same command to see where."
    )
