"""Every error has an exit code, which the docs and the help list."""

import re

import click
import pytest
from click.testing import CliRunner

from app.cli.exit_codes import EXITS, exit_code
from app.cli.main import main
from app.config import PROJECT
from app.core import errors
from app.core.errors import (
    Busy,
    EngineSilent,
    InputRejected,
    LaunchFailed,
    LaunchTimeout,
    NotFound,
    UserError,
    WasCancelled,
)

ALL = [each for each in vars(errors).values() if isinstance(each, type) and each is not UserError]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LaunchFailed("why"), 1),
        (LaunchTimeout("why"), 1),
        (InputRejected({"port": "is needed"}), 2),
        (NotFound("why"), 3),
        (Busy("why"), 4),
        (WasCancelled("why"), 4),
        (EngineSilent("why"), 5),
    ],
)
def test_the_exit_code_depends_on_the_kind_of_error(error: UserError, code: int) -> None:
    assert exit_code(error) == code


@pytest.mark.parametrize("kind", [each for each in ALL if issubclass(each, UserError)])
def test_no_error_has_the_exit_code_of_success(kind: type[UserError]) -> None:
    error = kind.__new__(kind)

    assert exit_code(error) in EXITS.keys() - {0, 6, 130}


def test_the_exit_codes_are_in_the_help_and_in_the_docs() -> None:
    table = (
        (PROJECT / "docs/command-line.md")
        .read_text()
        .partition("| exit code |")[2]
        .partition("\n\n")[0]
    )
    documented = dict(re.findall(r"^\| (\d+) \| (.+) \|$", table, re.MULTILINE))

    assert documented == {str(code): meaning for code, meaning in EXITS.items()}
    shown = CliRunner().invoke(main, ["--help"], terminal_width=200).stdout
    assert all(re.search(rf"{code} +{meaning}", shown) for code, meaning in EXITS.items())


def verbs(group: click.Group, *path: str) -> list[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            found += verbs(command, *path, name)
        else:
            found.append(((*path, name), command))
    return found


@pytest.mark.parametrize(("path", "command"), verbs(main))
def test_every_verb_answers_in_json_says_what_it_does_and_is_in_the_docs(
    path: tuple[str, ...], command: click.Command
) -> None:
    page = (PROJECT / "docs/command-line.md").read_text()
    rows = re.findall(r"^\| (`.+?) \|", page, re.MULTILINE)
    # The width of a help text next to the longest verb in a terminal of 80 columns.
    help = command.get_short_help_str(74 - max(map(len, main.list_commands(click.Context(main)))))

    assert help.endswith(".") and not help.endswith("...")
    assert any("--json" in each.opts for each in command.params)
    assert f"`{' '.join(path)}`" in ", ".join(rows).split(", ")
