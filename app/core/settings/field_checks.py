"""Check what a person or script entered against the field schema.

No message repeats a value, which may be a secret.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.settings.env_file import value_problem
from app.core.settings.field import Field
from app.core.settings.fields import BY_NAME, FIELDS, TOKEN
from app.core.text import is_plain

# Longer numbers are rejected before parsing: Python refuses to convert thousands of digits.
_LONGEST_NUMBER = 9
_NEEDED = "is needed"


@dataclass(frozen=True, slots=True)
class CheckedInput:
    """Checked input: accepted values and error messages, both by field name."""

    values: Mapping[str, str] = field(repr=False)
    errors: Mapping[str, str]


class ValueRejected(ValueError):
    """A rejected value. The message says why, worded to follow the field's label."""


def check_input(given: Mapping[str, Any]) -> CheckedInput:
    """Check all given fields against the schema at once.

    An empty optional field counts as not given.
    """
    values: dict[str, str] = {}
    errors: dict[str, str] = {}
    for name, raw in given.items():
        try:
            if value := check_value(name, raw):
                values[name] = value
        except ValueRejected as wrong:
            errors[name] = str(wrong)
    for each in FIELDS:
        if each.group == "mandatory" and each.name not in values:
            errors.setdefault(each.name, _NEEDED)
    return CheckedInput(values, errors)


def check_value(name: str, raw: Any) -> str:
    """Return one field's value in the form for `.env`, empty if there is no value.

    Raises ValueRejected.
    """
    known = BY_NAME.get(name)
    if known is None:
        raise ValueRejected("is not a field of a deployment")
    if known is TOKEN:
        raise ValueRejected("is made by Deploy Agent and can't be set")
    text = _as_text(known, raw)
    if problem := _problem(known, text):
        raise ValueRejected(problem)
    return text


def warning_about(known: Field, value: str) -> str:
    """Return a sentence about a secret that looks wrong but is accepted, or an empty text."""
    if not known.secret:
        return ""
    if value != value.strip():
        return "This begins or ends with a space, which is kept. Did you copy too much?"
    if known.hint and known.hint.fits(value):
        return ""
    for other in FIELDS:
        if other is not known and other.hint and other.hint.fits(value):
            return f"This looks like {_with_article(other.label)}, which has its own field."
    if known.hint is None:
        return ""
    return (
        f"This does not look like {_with_article(known.label)}, which usually {known.hint.words}."
        " It is accepted anyway."
    )


def _with_article(label: str) -> str:
    return f"{'an' if label[0] in 'AEIOU' else 'a'} {label}"


def _as_text(known: Field, raw: Any) -> str:
    if raw is None:
        return ""
    if known.type == "integer":
        if isinstance(raw, int) and not isinstance(raw, bool):
            return str(raw) if abs(raw) < 10**_LONGEST_NUMBER else "9" * (_LONGEST_NUMBER + 1)
        if isinstance(raw, str) and re.fullmatch(r"\s*[0-9]*\s*", raw, re.ASCII):
            return raw.strip().lstrip("0") or raw.strip()[:1]
        raise ValueRejected("must be a whole number")
    if not isinstance(raw, str):
        raise ValueRejected("must be text")
    return raw if known.secret else raw.strip()


def _problem(known: Field, text: str) -> str | None:
    if not text:
        return _NEEDED if known.group == "mandatory" else None
    if problem := value_problem(text):
        return problem
    if any(character in text for character in "\n\r"):
        return "must be a single line"
    if known.type == "integer":
        return _range_problem(known, text)
    if known.secret and not text.strip():
        return _NEEDED if known.group == "mandatory" else "must not be blank"
    if not known.secret and not is_plain(text):
        return "must not contain control characters"
    return known.rule(text) if known.rule else None


def _range_problem(known: Field, text: str) -> str | None:
    low, high = known.constraints["minimum"], known.constraints["maximum"]
    if len(text) > _LONGEST_NUMBER or not low <= int(text) <= high:
        return f"must be between {low} and {high}"
    return None
