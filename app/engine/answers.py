"""What the engine answers, key by key: what is missing, null or of another type is empty.

An engine of another version, or one that only speaks like Docker's, leaves things out. Of
one container that is told of oddly, less is known; the others are listed all the same.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

Row = Mapping[str, Any]


def text(row: Row, key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def number(row: Row, key: str) -> int:
    value = row.get(key)
    return value if isinstance(value, int) else 0


def inside(row: Row, key: str) -> Row:
    value = row.get(key)
    return value if isinstance(value, dict) else {}


def rows(row: Row, key: str) -> list[Row]:
    return rows_of(row.get(key))


def rows_of(value: object) -> list[Row]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def lines_of(answer: str) -> list[Row]:
    """Return an answer that has an object a line."""
    found = []
    for line in answer.splitlines():
        with suppress(ValueError):
            found.append(json.loads(line))
    return rows_of(found)


def texts(row: Row, key: str) -> list[str]:
    value = row.get(key)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def moment(seconds: float) -> datetime:
    """Return a time that is counted from 1970; that one where it can't be."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def pairs(entries: Iterable[str]) -> dict[str, str]:
    """Return an environment that is written as `KEY=value`."""
    split = (each.partition("=") for each in entries)
    return {key: value for key, _, value in split}
