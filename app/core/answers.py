"""Answers: what the JSON API and the command line's `--json` say, declared once.

An answer names its keys, their types and their meaning. The API's description is made from
the same classes.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

# The deployment of all examples, and the time at which they happen.
EXAMPLE_ID = "0b7a3361be"
EXAMPLE_TIME = datetime.fromisoformat("2026-11-24T06:00:00+00:00")

DeploymentId = Annotated[
    str,
    StringConstraints(min_length=1),
    Field(description="The deployment's id: ten characters of 0-9 and a-f.", examples=[EXAMPLE_ID]),
]
# Written as RFC 3339 with the offset from UTC in figures, never `Z`: older scripts parse that.
Time = Annotated[
    datetime,
    PlainSerializer(datetime.isoformat, return_type=str),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": [EXAMPLE_TIME.isoformat()]}
    ),
]
# Text that is null in the answer when it is empty.
TextOrNull = Annotated[str | None, BeforeValidator(lambda text: text or None)]


_MISSING = object()


def _open(schema: dict[str, Any]) -> None:
    """Tell callers that keys may be added to an answer one day."""
    schema.pop("additionalProperties", None)


class AnswerPart(BaseModel):
    """An object in an answer, or an answer of its own that does not say `ok`."""

    http_status: ClassVar[int] = 200

    model_config = ConfigDict(
        extra="forbid", from_attributes=True, validate_by_name=True, json_schema_extra=_open
    )

    @classmethod
    def of(cls, shown: Any, **named: Any) -> Self:
        """Return what is answered about an object: `named` keys, and its attributes for the rest.

        Attributes have the names of the fields. A field that has neither keeps its default.
        """
        attributes = {
            name: value
            for name in cls.model_fields
            if name not in named and (value := getattr(shown, name, _MISSING)) is not _MISSING
        }
        return cls.model_validate({**attributes, **named})

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)

    def headers(self) -> Mapping[str, str]:
        """Return the HTTP headers that the API sends with it."""
        return {}


class FieldProblem(AnswerPart):
    """What is wrong with one field."""

    field: str
    message: str


class Answer(AnswerPart):
    """A whole answer: what was asked for has succeeded."""

    ok: Literal[True] = True
