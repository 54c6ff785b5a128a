"""Reads the engine's and the gateways' answers: a missing or wrongly typed value is empty.

An engine of another version, or an imitation of Docker Engine, leaves values out. A container with
a strange description is listed with fewer facts, and hides no other containers.
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


def object_in(message: str | bytes) -> Row:
    """Return a JSON object, or an empty one in place of anything else."""
    with suppress(ValueError, RecursionError):
        value = json.loads(message)
        return value if isinstance(value, dict) else {}
    return {}


def lines_of(answer: str) -> list[Row]:
    """Return the objects of an answer with one JSON object per line."""
    found = []
    for line in answer.splitlines():
        with suppress(ValueError):
            found.append(json.loads(line))
    return rows_of(found)


def texts(row: Row, key: str) -> list[str]:
    value = row.get(key)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def moment(seconds: float) -> datetime:
    """Return the time for seconds since 1970; 1970 if they are out of range."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def pairs(entries: Iterable[str]) -> dict[str, str]:
    """Return the variables of an environment with `KEY=value` entries."""
    split = (each.partition("=") for each in entries)
    return {key: value for key, _, value in split}
