"""Interpolation in a `.env`: `$NAME`, `${NAME:-default}` and the like, as Compose does it.

Follows compose-go's `template` package (Compose 2.40).
"""

import re
from collections.abc import Callable

Lookup = Callable[[str], str | None]

_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)"
    r"|(?P<named>[_a-z][_a-z0-9]*)"
    r"|\{(?:(?P<braced>[_a-z][_a-z0-9]*(?::?[-+?].*)?)\}|(?P<invalid>)))",
    re.IGNORECASE | re.ASCII,
)
_OPERATOR = re.compile(r":\?|\?|:-|-|:\+|\+")


class InterpolationError(ValueError):
    """An expression that Compose rejects. The message never contains a value."""


def interpolate(template: str, lookup: Lookup) -> str:
    """Return a text with every expression replaced. Raises InterpolationError."""
    parts, position = [], 0
    while match := _VARIABLE.search(template, position):
        # The greedy `${…}` may match past its own closing brace: the rest is read in the next
        # round.
        closing = _closing_brace(match[0])
        end = match.end() if closing is None else match.start() + closing + 1
        parts += [
            template[position : match.start()],
            _replacement(template[match.start() : end], lookup),
        ]
        position = end
    return "".join(parts) + template[position:]


def _replacement(text: str, lookup: Lookup) -> str:
    """Return the value of one `$…` expression."""
    match = _VARIABLE.match(text)
    if match is None or match["invalid"] is not None:
        raise InterpolationError("a ${…} expression is not closed or has no name")
    if match["escaped"]:
        return "$"
    if match["named"]:
        return lookup(match["named"]) or ""
    expression = match["braced"]
    operator = _OPERATOR.search(expression)
    if operator is None:
        return lookup(expression) or ""
    name, argument = expression[: operator.start()], expression[operator.end() :]
    return _with_operator(name, operator[0], interpolate(argument, lookup), lookup)


def _with_operator(name: str, operator: str, argument: str, lookup: Lookup) -> str:
    """Apply an operator to a variable.

    The argument is already expanded: Compose expands the argument even if it is not used.
    """
    value = lookup(name)
    present = value is not None and (value != "" or not operator.startswith(":"))
    match operator[-1]:
        case "-":
            return (value or "") if present else argument
        case "+":
            return argument if present else (value or "")
        case _:
            if not present:
                raise InterpolationError(f"the required variable {name} is missing a value")
            return value or ""


def _closing_brace(text: str) -> int | None:
    depth = 0
    skip = False
    for position, character in enumerate(text):
        if skip:
            skip = False
        elif character == "}":
            depth -= 1
            if depth == 0:
                return position
        elif character == "{":
            depth += 1
            skip = True
    return None
