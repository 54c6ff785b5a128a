"""What the JSON API takes and answers, as models: the code and its description are one thing.

A view is given a `Body` or a `Query`, and answers an `Answer`; what several calls
share stands here, the rest beside its view.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from flask import url_for
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation, OperationState
from app.core.settings.fields import GIVEN
from app.usecases.operations.operations import describe

# The deployment of all examples.
EXAMPLE_ID = "0b7a3361be"
_MOMENT = "2026-11-24T06:00:00+00:00"

Text = Annotated[str, StringConstraints(min_length=1)]
DeploymentId = Annotated[
    str,
    StringConstraints(min_length=1),
    Field(description="The deployment's id: ten characters of 0-9 and a-f.", examples=[EXAMPLE_ID]),
]
# As everywhere else in our answers, with its distance from UTC written out.
Moment = Annotated[
    datetime,
    PlainSerializer(datetime.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [_MOMENT]}),
]


def _open(schema: dict[str, Any]) -> None:
    """Tell callers that keys may be added to an answer one day."""
    schema.pop("additionalProperties", None)


class Body(BaseModel):
    """What a call is sent as JSON: a key that is not known is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


def with_fields(schema: dict[str, Any]) -> None:
    """Describe a body that holds a deployment's fields by what the fields themselves say.

    The body takes any key, and the use case says what is wrong with which field.
    """
    fields = {each.name: each.json_schema() for each in GIVEN}
    schema["properties"] = {**schema["properties"], **fields}
    schema["additionalProperties"] = False


class Query(BaseModel):
    """What a call is told in its address: a name that is not known says nothing."""


class Shape(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=_open,
        json_schema_serialization_defaults_required=True,
    )


class Reply(Shape):
    """A whole answer, with the status and the headers that it is sent with."""

    http_status: ClassVar[int] = 200

    def headers(self) -> Mapping[str, str]:
        return {}


class Answer(Reply):
    """A whole answer, as most are: it says that all went well."""

    ok: Literal[True] = True


class ForDeployment(Body):
    """Names one deployment."""

    deployment_id: DeploymentId


class WaitFor(ForDeployment):
    """Names one deployment, and says whether to wait for the end of what is begun."""

    wait: bool = Field(
        True, description="Wait until it is done, at most 110 s; false answers 202 at once."
    )


class OperationShown(Shape):
    """A launch, stop or other operation: what takes longer than a moment."""

    id: int = Field(description="Counts up from 1 for each deployment.")
    kind: OperationKind
    state: OperationState
    actor: str = Field(description="Who began it.")
    cancelled_by: str = Field(description="Who asked for its end; empty where nobody did.")
    arguments: dict[str, str] = Field(description="What its kind needs to know; no secrets.")
    started_at: Moment
    ended_at: Moment | None
    reason: str = Field(description="Why it did not succeed, in words.")
    next_step: str = Field(description="What to do then.")
    fix: str = Field(description="A line for a shell of this host that does it, where one can.")
    code: str = Field(description="The stable name of that cause.")
    free_port: int | None = Field(description="One that can be had where its port is taken.")


EXAMPLE_OPERATION = OperationShown(
    id=1,
    kind=OperationKind.LAUNCH,
    state=OperationState.SUCCEEDED,
    actor="ada",
    cancelled_by="",
    arguments={},
    started_at=datetime.fromisoformat(_MOMENT),
    ended_at=datetime.fromisoformat(_MOMENT),
    reason="",
    next_step="",
    fix="",
    code="",
    free_port=None,
)


WARNING = Field("", description="Of a launch: why this host may have no room for it, if so.")


class Accepted(Answer):
    """It goes on: the operation says how far it is, at the address in `Location`."""

    http_status: ClassVar[int] = 202

    deployment_id: DeploymentId
    status: Literal["launching", "stopping"]
    operation: OperationShown
    warning: str = WARNING

    def headers(self) -> Mapping[str, str]:
        location = url_for(
            "operations_api.operation", deployment_id=self.deployment_id, number=self.operation.id
        )
        return {"Location": location}


def accepted(
    operation: Operation, status: Literal["launching", "stopping"], warning: str = ""
) -> Accepted:
    """Answer 202: an operation was started and goes on."""
    return Accepted(
        deployment_id=operation.deployment_id,
        status=status,
        operation=OperationShown.model_validate(describe(operation)),
        warning=warning,
    )


class FieldProblem(Shape):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(Shape):
    """An error: problem details (RFC 9457), told apart by `code`."""

    ok: Literal[False]
    title: str
    detail: str = Field(description="What happened, why, and what to do next.")
    status: int
    code: str = Field(description="The error's stable name.")
    request_id: str | None = Field(description="What the server's log names this request by.")
    errors: list[FieldProblem] = Field([], description="Of input: what is wrong, by field.")
    operation: OperationShown | None = Field(None, description="The operation that it is about.")
    cause: str = Field("", description="Why it did not succeed: the stable name of the cause.")
    fix: str = Field("", description="A line for a shell of this host that mends it.")
    deployment_id: str = Field("", description="The deployment that was made already.")
    changed: list[str] = Field([], description="What is not what it was when it was looked at.")
    free_port: int | None = Field(None, description="A port that is free, where one is taken.")
