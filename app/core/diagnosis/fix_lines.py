"""Repairs: a fix of the catalogue as one line for a shell, filled in for one deployment."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# What stands before a step that is root's, as in a manual.
_ROOTS = "# "


@dataclass(frozen=True, slots=True)
class FixLineParts:
    """What lines are made of: pieces that a shell takes as they are, and who root is here."""

    pieces: Mapping[str, str]
    as_root: Callable[[str], str]


def fix_line(steps: Sequence[str], found: Mapping[str, str], repairs: FixLineParts | None) -> str:
    """Return the steps as one line; empty where this host lacks something that they need.

    `found` is other people's text: each becomes one word of the line.
    """
    if repairs is None:
        return ""
    pieces = _LineValues({name: shlex.quote(text) for name, text in found.items() if text}, repairs)
    try:
        return " && ".join(_step(each, pieces, repairs) for each in steps)
    except KeyError:
        return ""


class _LineValues(dict[str, str]):
    def __init__(self, found: Mapping[str, str], repairs: FixLineParts) -> None:
        super().__init__(found)
        self._repairs = repairs

    def __missing__(self, name: str) -> str:
        if piece := self._repairs.pieces[name]:
            return piece
        raise KeyError(name)


def _step(step: str, pieces: _LineValues, repairs: FixLineParts) -> str:
    line = step.removeprefix(_ROOTS).format_map(pieces)
    return repairs.as_root(line) if step.startswith(_ROOTS) else line
