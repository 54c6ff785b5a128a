"""Fields on the command line. Secrets come from a prompt or standard input only.

Arguments are visible in the process list and in the shell's history.
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
    help="Set a field. For a secret use --ask or standard input.",
)
ask_option = click.option(
    "--ask", "asked", multiple=True, metavar="FIELD", help="Ask for this secret at the terminal."
)


def given_fields(
    assignments: Sequence[str], asked: Sequence[str], needed: Iterable[Field] = ()
) -> dict[str, Any]:
    """Return the given fields by name. Raises InputRejected.

    At a terminal, prompt for the secrets in `asked`, and for those fields in `needed` that have no
    value yet. Otherwise read standard input to its end.
    """
    given = dict(map(_parse_assignment, assignments))
    if not sys.stdin.isatty():
        given |= _parse_input(read_input(lambda: sys.stdin.read(_MOST_CHARACTERS)))
        if asked:
            raise InputRejected({"--ask": "needs a terminal: send secrets on standard input"})
        return given
    wanted = [_field(name) for name in asked] + [each for each in needed if each.name not in given]
    return given | {each.name: _prompted(each) for each in wanted}


def read_input(read: Callable[[], str]) -> str:
    """Return the text from standard input. Raises InputRejected."""
    _announce_waiting()
    try:
        return read()
    except UnicodeDecodeError:
        raise InputRejected({"standard input": "is not text in this terminal's encoding"}) from None


def _announce_waiting() -> None:
    """If no input arrives, say that we wait: an open pipe would look like a hang."""
    with suppress(OSError, ValueError):  # In tests, standard input may not be a file.
        if not select([sys.stdin], [], [], _SILENT_SECONDS)[0]:
            click.echo("Reading standard input. Add “</dev/null” if there is none.", err=True)


def _parse_assignment(assignment: str) -> tuple[str, str]:
    name, equals, value = assignment.partition("=")
    if not equals:
        raise InputRejected({"--set": f"must be FIELD=VALUE: {name} has no value"})
    known = BY_ENV.get(name) or BY_NAME.get(name)
    if known and known.secret:
        raise InputRejected({known.name: (
            "is a secret, and other users can read arguments. Omit the field to be asked for it,"
            f" or send {known.env}=VALUE on standard input"
        )})  # fmt: skip
    return known.name if known else name, value


def _parse_input(text: str) -> dict[str, Any]:
    """Parse standard input: one JSON object, or lines of KEY=VALUE or JSON objects."""
    if text.lstrip().startswith("{") and (whole := _parse_object(text)) is not None:
        return _by_field_name(whole, "it")
    given: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            given |= _parse_line(line, f"its line {number}")
    return given


def _parse_line(line: str, where: str) -> dict[str, Any]:
    name, equals, value = line.partition("=")
    if line.lstrip().startswith("{"):
        found = _parse_object(line)
    else:
        found = {name.strip(): value} if equals else None
    if found is None:
        raise InputRejected({"standard input": f"must be KEY=VALUE or a JSON object in {where}"})
    return _by_field_name(found, where)


def _parse_object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _by_field_name(given: dict[str, Any], where: str) -> dict[str, Any]:
    """Return values by field name. An error never repeats an unknown name: it may be a secret."""
    known = {name: BY_ENV.get(name) or BY_NAME.get(name) for name in given}
    if not all(known.values()):
        raise InputRejected(
            {"standard input": f"names an unknown field in {where}; “fields” lists them"}
        )
    return {field.name: given[name] for name, field in known.items() if field}


def _field(name: str) -> Field:
    known = BY_ENV.get(name) or BY_NAME.get(name)
    if known is None or not known.secret:
        raise InputRejected({"--ask": "must name a secret field; “deploy-agent fields” lists them"})
    return known


def _prompted(field: Field) -> str:
    return str(click.prompt(field.label, hide_input=True, err=True))
