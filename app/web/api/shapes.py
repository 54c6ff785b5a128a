"""The models of requests to the JSON API, and of the answers that several calls share.

A view gets a `CallBody` or a `CallQuery` and returns an `Answer` (see `app.core.answers`).
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from flask import url_for
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.core.answers import EXAMPLE_TIME, AnswerPart, DeploymentId, FieldProblem
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation, OperationState
from app.core.settings.fields import GIVEN
from app.usecases.operations.answers import GoingOn, OperationGoesOn, OperationShown

Text = Annotated[str, StringConstraints(min_length=1)]


class CallBody(BaseModel):
    """The JSON object in a request. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


def with_fields(schema: dict[str, Any]) -> None:
    """Add the deployment's fields to the schema of a body that has a key for each field.

    Pydantic accepts any key in such a body; the use case checks the fields.
    """
    fields = {each.name: each.json_schema() for each in GIVEN}
    schema["properties"] = {**schema["properties"], **fields}
    schema["additionalProperties"] = False


class CallQuery(BaseModel):
    """The query parameters of a call. Unknown names are ignored."""


class DeploymentBody(CallBody):
    """Names one deployment."""

    deployment_id: DeploymentId


class OperationBody(DeploymentBody):
    """Names one deployment and says whether to wait for the operation to end."""

    wait: bool = Field(
        True, description="Wait for the end, at most 110 s; false answers 202 at once."
    )


EXAMPLE_OPERATION = OperationShown(
    id=1,
    kind=OperationKind.LAUNCH,
    state=OperationState.SUCCEEDED,
    actor="ada",
    cancelled_by="",
    arguments={},
    started_at=EXAMPLE_TIME,
    ended_at=EXAMPLE_TIME,
    reason="",
    next_step="",
    fix="",
    code="",
    free_port=None,
)


class AcceptedAnswer(OperationGoesOn):
    """The operation is still running. `Location` is the operation's address."""

    http_status: ClassVar[int] = 202

    def headers(self) -> Mapping[str, str]:
        location = url_for(
            "operations_api.operation", deployment_id=self.deployment_id, number=self.operation.id
        )
        return {"Location": location}


def accepted(operation: Operation, status: GoingOn, warning: str = "") -> AcceptedAnswer:
    """Answer 202: the operation is still running."""
    return AcceptedAnswer.of(operation, status=status, warning=warning)


class Problem(AnswerPart):
    """An error as problem details (RFC 9457). `code` identifies it."""

    ok: Literal[False]
    title: str
    detail: str = Field(description="What happened, why, and what to do next.")
    status: int
    code: str = Field(description="The error's stable name.")
    request_id: str | None = Field(description="Identifies this request in the server's log.")
    errors: list[FieldProblem] = Field([], description="For invalid input: the errors by field.")
    operation: OperationShown | None = Field(None, description="The operation concerned.")
    cause: str = Field("", description="The stable name of the cause of the failure.")
    fix: str = Field("", description="A shell command for this host that resolves the cause.")
    deployment_id: str = Field(
        "", description="The deployment that the same form has already created."
    )
    changed: list[str] = Field(
        [], description="The fields that changed after the caller last read the files."
    )
    free_port: int | None = Field(None, description="A free port, if the requested port is taken.")
