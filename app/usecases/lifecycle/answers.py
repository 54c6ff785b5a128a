"""API answers after a launch, stop, archive, restore or delete."""

from typing import Any, Literal, Self

from pydantic import Field

from app.core.answers import Answer, AnswerPart, DeploymentId, Time
from app.store.archive import ArchivedDeployment


class RunningAnswer(Answer):
    """The gateway is running and accepts its token."""

    deployment_id: DeploymentId
    status: Literal["running"] = "running"
    port: int | None
    warning: str = Field(
        "", description="Why this host may be short of memory or disk for the gateway."
    )


class StoppedAnswer(Answer):
    """The containers are removed; the folder and its data stay."""

    deployment_id: DeploymentId
    status: Literal["stopped"] = "stopped"


class ArchivedShown(AnswerPart):
    """An archived deployment."""

    archived: str = Field(description="The folder's name in the archive.")
    deployment_id: DeploymentId
    name: str
    port: int | None = Field(description="The deployment's port before it was archived.")
    archived_at: Time
    archived_by: str
    purge_begun: bool = Field(description="Whether a deletion was started but not finished.")

    @classmethod
    def of(cls, shown: ArchivedDeployment, **named: Any) -> Self:
        return super().of(
            shown.deployment,
            archived=shown.name,
            deployment_id=shown.deployment.id,
            archived_at=shown.at,
            archived_by=shown.by,
            purge_begun=shown.purging,
            **named,
        )


class ArchivedAnswer(Answer):
    """The deployment is in the archive; its port is free."""

    deployment_id: DeploymentId
    status: Literal["archived"] = "archived"


class RestoredAnswer(Answer):
    """The deployment is back in the list and not launched."""

    deployment_id: DeploymentId
    port: int | None
    status: Literal["stopped"] = "stopped"
    remarks: list[str] = Field(description="What differs from before the archiving, in sentences.")


class PurgedAnswer(Answer):
    """The deployment is deleted for good."""

    deployment_id: DeploymentId
    status: Literal["purged"] = "purged"
