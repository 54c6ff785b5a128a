"""Records: what we have written as JSON, read back as the type that it was written from.

Whoever finds the file may have changed it. What is no JSON, goes too deep, holds text that
can't be written anywhere, or is of another type than it should be is all the same: damaged.
"""

import json
from collections.abc import Container, Hashable
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import AfterValidator, Field, TypeAdapter
from pydantic import AwareDatetime as AwareDatetime
from pydantic_core import from_json

T = TypeVar("T")


def parse_moment(text: str) -> datetime:
    """Return a time that was written with its zone. Raises ValueError, TypeError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment


def _checked(text: str) -> str:
    parse_moment(text)
    return text


# A moment as a text, and as a number: up to the last that has a date.
MomentText = Annotated[str, AfterValidator(_checked)]
Seconds = Annotated[float, Field(ge=0, lt=253402300800)]


def read_json(data: bytes) -> Any:
    """Raises ValueError."""
    return from_json(data, allow_inf_nan=False)


def read_record(kind: type[T], data: bytes) -> T:
    """Return a record of a dataclass. Raises ValueError."""
    return as_record(kind, read_json(data))


def as_record(kind: type[T], value: Any) -> T:
    """Return what was read as JSON as a dataclass; what that does not know is left out.

    Raises ValueError.
    """
    return cast(T, _reader(cast(Hashable, kind)).validate_python(value))


def record_to_json(record: Any, fields: Container[str]) -> bytes:
    """Return some fields of a dataclass as JSON, times in ISO format."""
    kept = {name: value for name, value in asdict(record).items() if name in fields}
    return json.dumps(kept, default=datetime.isoformat).encode()


@cache
def _reader(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(type[Any], kind))
