"""The fields of a deployment as they are given here: secrets by a prompt or standard input alone.

An argument stands in the process list and in the shell's history, where others read it.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from app.core.errors import InputRejected
from app.core.fields import BY_ENV, BY_NAME, Field

_MOST_CHARACTERS = 1024 * 1024

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
        given |= _read(sys.stdin.read(_MOST_CHARACTERS))
        if asked:
            raise InputRejected({"--ask": "needs a terminal: send secrets on standard input"})
        return given
    wanted = [_field(name) for name in asked] + [each for each in needed if each.name not in given]
    return given | {each.name: _asked(each) for each in wanted}


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
    if text.lstrip().startswith("{"):
        try:
            return _named(json.loads(text))
        except ValueError:
            pass  # Several objects, one a line.
    given: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            given |= _read_line(line, number)
    return given


def _read_line(line: str, number: int) -> dict[str, Any]:
    name, equals, value = line.partition("=")
    if line.lstrip().startswith("{"):
        try:
            return _named(json.loads(line))
        except ValueError:
            equals = ""
    if not equals:
        # The line itself may be a secret.
        message = f"has a line {number} that is neither KEY=VALUE nor a JSON object"
        raise InputRejected({"standard input": message})
    return _named({name.strip(): value})


def _named(given: dict[str, Any]) -> dict[str, Any]:
    return {BY_ENV[name].name if name in BY_ENV else name: value for name, value in given.items()}


def _field(name: str) -> Field:
    known = BY_ENV.get(name) or BY_NAME.get(name)
    if known is None or not known.secret:
        raise InputRejected({"--ask": "must name a secret field; “deploy-agent fields” has them"})
    return known


def _asked(field: Field) -> str:
    return str(click.prompt(field.label, hide_input=True, err=True))
