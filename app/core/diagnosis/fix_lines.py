"""Fix lines: a fix from the catalogue as one shell command for one deployment."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# Marks a step that needs root, as in manuals.
_ROOT_PROMPT = "# "


@dataclass(frozen=True, slots=True)
class FixLineParts:
    """Values for the placeholders in fix commands, ready for a shell, and how to become root here.

    An empty value means that this host lacks the value.
    """

    values: Mapping[str, str]
    as_root: Callable[[str], str]


def fix_line(steps: Sequence[str], matched: Mapping[str, str], parts: FixLineParts | None) -> str:
    """Return the steps as one command, or an empty text if this host lacks a value.

    `matched` are texts from an error message. They are untrusted, so each text is quoted as one
    word.
    """
    if parts is None:
        return ""
    values = _LineValues({name: shlex.quote(text) for name, text in matched.items() if text}, parts)
    try:
        return " && ".join(_step(each, values, parts) for each in steps)
    except KeyError:
        return ""


class _LineValues(dict[str, str]):
    """Looks up values lazily, because some values (a free port) are costly to find."""

    def __init__(self, matched: Mapping[str, str], parts: FixLineParts) -> None:
        super().__init__(matched)
        self._parts = parts

    def __missing__(self, name: str) -> str:
        if value := self._parts.values[name]:
            return value
        raise KeyError(name)


def _step(step: str, values: _LineValues, parts: FixLineParts) -> str:
    line = step.removeprefix(_ROOT_PROMPT).format_map(values)
    return parts.as_root(line) if step.startswith(_ROOT_PROMPT) else line
