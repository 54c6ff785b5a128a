"""Answers of the JSON API and of the command line's `--json`, each declared once.

A class names an answer's keys, their types and their meaning. The API's description is made from
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

# The deployment and the time in all examples.
EXAMPLE_ID = "0b7a3361be"
EXAMPLE_TIME = datetime.fromisoformat("2026-11-24T06:00:00+00:00")

DeploymentId = Annotated[
    str,
    StringConstraints(min_length=1),
    Field(description="The deployment's id: ten characters of 0-9 and a-f.", examples=[EXAMPLE_ID]),
]
# RFC 3339 with a numeric offset from UTC, never `Z`: older scripts expect the numeric offset.
Time = Annotated[
    datetime,
    PlainSerializer(datetime.isoformat, return_type=str),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": [EXAMPLE_TIME.isoformat()]}
    ),
]
# Text, or null in the answer if the text is empty.
TextOrNull = Annotated[str | None, BeforeValidator(lambda text: text or None)]


_MISSING = object()


def _open(schema: dict[str, Any]) -> None:
    """Leave the schema open: later versions may add keys to an answer."""
    schema.pop("additionalProperties", None)


class AnswerPart(BaseModel):
    """An object in an answer, or a whole answer without the key `ok`."""

    http_status: ClassVar[int] = 200

    model_config = ConfigDict(
        extra="forbid", from_attributes=True, validate_by_name=True, json_schema_extra=_open
    )

    @classmethod
    def of(cls, shown: Any, **named: Any) -> Self:
        """Return the answer about an object: `named` keys, otherwise the object's attributes.

        A field takes the attribute of its own name. A field without either keeps its default.
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
        """Return the HTTP headers that the API sends with this answer."""
        return {}


class FieldProblem(AnswerPart):
    """An error about one field."""

    field: str
    message: str


class Answer(AnswerPart):
    """A whole answer to a request that succeeded."""

    ok: Literal[True] = True
