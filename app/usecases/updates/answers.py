"""API answers about updates."""

from typing import Any, Literal, Self

from pydantic import Field

from app.core.answers import Answer, DeploymentId, Time
from app.core.operations.operation import OperationState
from app.core.updates.batch import Batch


class UpdatedAnswer(Answer):
    """The gateway runs the requested image, verified as after a launch."""

    deployment_id: DeploymentId
    status: Literal["running"] = "running"
    port: int | None
    image: str = Field(description="The image that the gateway runs now.")


class BatchAnswer(Answer):
    """An update of several deployments, one after the other, which stops at the first failure."""

    id: int
    image: str
    state: OperationState
    actor: str = Field(description="Who started the update.")
    started_at: Time
    ended_at: Time | None
    reason: str = Field(description="Why the update ended before all deployments were updated.")
    cancelled_by: str = Field(description="Who cancelled the update; empty if nobody did.")
    deployment_ids: list[DeploymentId]
    operations: dict[str, int] = Field(
        description="The operation number of each deployment reached; 0 if the deployment ran that"
        " image already."
    )

    @classmethod
    def of(cls, shown: Batch, **named: Any) -> Self:
        return super().of(
            shown, id=shown.number, deployment_ids=shown.ids, operations=shown.begun, **named
        )
