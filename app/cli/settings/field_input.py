"""The fields of a deployment as they are given here: secrets by a prompt or standard input alone.

An argument stands in the process list and in the shell's history, where others read it.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from select import select
from typing import Any

import click

from app.core.errors import InputRejected
from app.core.settings.field import Field
from app.core.settings.fields import BY_ENV, BY_NAME

_MOST_CHARACTERS = 1024 * 1024
_SILENT_SECONDS = 1.0

set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="FIELD=VALUE",
    help="What a field is set to; of a secret, --ask or standard input.",
)
ask_option = click.option(
    "--ask",
    "asked",
    multiple=True,
    metavar="FIELD",
    help="A secret to be asked for at the terminal.",
)


def given_fields(
    assignments: Sequence[str], asked: Sequence[str], needed: Iterable[Field] = ()
) -> dict[str, Any]:
    """Return the fields that were given, by name. Raises InputRejected.

    A terminal is asked for the secrets in `asked`, and for those that are `needed` and
    were not given; where there is none, standard input is read to its end.
    """
    given = dict(map(_assigned, assignments))
    if not sys.stdin.isatty():
        given |= _read(read_input(lambda: sys.stdin.read(_MOST_CHARACTERS)))
        if asked:
            raise InputRejected({"--ask": "needs a terminal: send secrets on standard input"})
        return given
    wanted = [_field(name) for name in asked] + [each for each in needed if each.name not in given]
    return given | {each.name: _asked(each) for each in wanted}


def read_input(read: Callable[[], str]) -> str:
    """Return what comes from standard input. Raises InputRejected."""
    _tell_of_waiting()
    try:
        return read()
    except UnicodeDecodeError:
        raise InputRejected({"standard input": "is not text in this terminal's encoding"}) from None


def _tell_of_waiting() -> None:
    """Say what is waited for, where nothing comes: a pipe that stays open looks like a fault."""
    with suppress(OSError, ValueError):  # What stands in for it may be no file.
        if not select([sys.stdin], [], [], _SILENT_SECONDS)[0]:
            click.echo("Reading standard input. “</dev/null” says that nothing comes.", err=True)


def _assigned(assignment: str) -> tuple[str, str]:
    name, equals, value = assignment.partition("=")
    if not equals:
        raise InputRejected({"--set": f"must be FIELD=VALUE: {name} has no value"})
    known = BY_ENV.get(name) or BY_NAME.get(name)
    if known and known.secret:
        raise InputRejected({known.name: (
            "is a secret, and an argument can be read by others. Leave it out, and it is asked"
            f" for, or send it on standard input as {known.env}=VALUE"
        )})  # fmt: skip
    return known.name if known else name, value


def _read(text: str) -> dict[str, Any]:
    """Read standard input: a JSON object, or lines that are each KEY=VALUE or an object."""
    if text.lstrip().startswith("{") and (whole := _object_in(text)) is not None:
        return _named(whole, "it")
    given: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            given |= _read_line(line, f"its line {number}")
    return given


def _read_line(line: str, where: str) -> dict[str, Any]:
    name, equals, value = line.partition("=")
    if line.lstrip().startswith("{"):
        found = _object_in(line)
    else:
        found = {name.strip(): value} if equals else None
    if found is None:
        raise InputRejected({"standard input": f"must be KEY=VALUE or a JSON object in {where}"})
    return _named(found, where)


def _object_in(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _named(given: dict[str, Any], where: str) -> dict[str, Any]:
    """Return values by field name. What is no field is not repeated: it may be a secret."""
    known = {name: BY_ENV.get(name) or BY_NAME.get(name) for name in given}
    if not all(known.values()):
        raise InputRejected({"standard input": f"names no field in {where}; “fields” lists them"})
    return {field.name: given[name] for name, field in known.items() if field}


def _field(name: str) -> Field:
    known = BY_ENV.get(name) or BY_NAME.get(name)
    if known is None or not known.secret:
        raise InputRejected({"--ask": "must name a secret field; “deploy-agent fields” has them"})
    return known


def _asked(field: Field) -> str:
    return str(click.prompt(field.label, hide_input=True, err=True))
