"""Records: dataclasses that we store as JSON, read back and validated.

Anybody may have edited the file. Invalid JSON, too deep nesting, text that can't be encoded
and values of a wrong type are all reported as ValueError: the file is damaged.
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
    """Parse an ISO time with its zone. Raises ValueError, TypeError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time has no zone")
    return moment


def _checked(text: str) -> str:
    parse_moment(text)
    return text


# A time as text, and as seconds since 1970, up to the year 9999.
MomentText = Annotated[str, AfterValidator(_checked)]
Seconds = Annotated[float, Field(ge=0, lt=253402300800)]


def read_json(data: bytes) -> Any:
    """Parse JSON. Raises ValueError."""
    return from_json(data, allow_inf_nan=False)


def read_record(kind: type[T], data: bytes) -> T:
    """Return JSON bytes as a dataclass. Raises ValueError."""
    return as_record(kind, read_json(data))


def as_record(kind: type[T], value: Any) -> T:
    """Return a parsed JSON value as a dataclass, ignoring unknown keys. Raises ValueError."""
    return cast(T, _reader(cast(Hashable, kind)).validate_python(value))


def record_to_json(record: Any, fields: Container[str] | None = None) -> bytes:
    """Return a dataclass, or some of its fields, as JSON with times in ISO format."""
    values = asdict(record)
    if fields is not None:
        values = {name: value for name, value in values.items() if name in fields}
    return json.dumps(values, default=datetime.isoformat).encode()


@cache
def _reader(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(type[Any], kind))
