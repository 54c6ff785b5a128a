"""API answers about a deployment and its status."""

from collections.abc import Iterable
from typing import Any, Self

from pydantic import Field

from app.core.access.page_obstacles import PageObstacle
from app.core.answers import Answer, AnswerPart, DeploymentId
from app.core.deployment import Deployment
from app.core.diagnosis.causes import Cause
from app.core.snapshot import Container
from app.core.status.readiness import CheckState, ReadinessCheck
from app.core.status.status import Status
from app.usecases.operations.answers import OperationShown
from app.usecases.status.overview import DeploymentView


def ws_url(deployment: Deployment, host: str) -> str | None:
    """Return the WebSocket address of a gateway, for a reader who reaches the gateway as `host`."""
    return f"ws://{host}:{deployment.port}" if deployment.port else None


def page_url(deployment: Deployment, host: str) -> str | None:
    return f"http://{host}:{deployment.port}/" if deployment.port else None


class DeploymentShown(AnswerPart):
    """A deployment, as the list shows it."""

    deployment_id: DeploymentId
    port: int | None = Field(description="The gateway's port; null if unknown.")
    status: Status
    deploy_dir: str = Field(description="The deployment's folder.")
    name: str
    reason: str = Field(description="Why the deployment has this status.")
    remark: str = Field(description="Anything else worth knowing.")
    drift: list[str] = Field(description="Changes since the last start, not applied yet.")
    ws_url: str | None = Field(description="The gateway's WebSocket address.")
    page_url: str | None = Field(description="The address of the gateway's own page.")

    @classmethod
    def of_view(cls, view: DeploymentView, host: str, **more: Any) -> Self:
        """Return the answer for a reader who reaches gateways as `host`."""
        deployment = view.deployment
        return cls.of(
            deployment,
            deployment_id=deployment.id,
            status=view.report.status,
            deploy_dir=deployment.folder,
            reason=view.report.reason,
            remark=view.remark,
            drift=view.drift,
            ws_url=ws_url(deployment, host),
            page_url=page_url(deployment, host),
            **more,
        )


class ContainerShown(AnswerPart):
    """A container of a deployment, as Docker Engine reports it."""

    id: str
    name: str
    service: str
    image: str
    state: str
    status: str
    health: str | None
    restarts: int | None

    @classmethod
    def of(cls, shown: Container, **named: Any) -> Self:
        restarts = shown.details.restart_count if shown.details else None
        return super().of(shown, status=shown.status_text, restarts=restarts, **named)


class ReadinessCheckShown(AnswerPart):
    """One readiness check and its result."""

    name: str
    state: CheckState
    detail: str = Field(description="What the check found.")
    milliseconds: int | None
    next_step: str = Field(description="What to do if the check failed.")


class CauseShown(AnswerPart):
    """Why a deployment does not work."""

    code: str = Field(description="The stable name of the cause.")
    words: str
    next_step: str = Field(description="What to do about the cause.")
    free_port: int | None = Field(description="A free port, if the deployment's own is taken.")
    fix: str = Field(description="A shell command for this host that removes the cause, if any.")


class DeploymentAnswer(Answer, DeploymentShown):
    """All that is known about a deployment."""

    health: str | None = Field(
        description="The result of Docker's health check; null without a health check."
    )
    containers: list[ContainerShown]
    # These two keys differ from the field names: scripts rely on them.
    checks: list[ReadinessCheckShown] = Field(
        serialization_alias="ladder",
        description="The readiness checks, in the order of execution.",
    )
    cause: CauseShown | None = Field(
        description="Why the deployment does not work; null if it works."
    )
    obstacles: list[PageObstacle] = Field(
        serialization_alias="walls",
        description="What prevents the caller's browser from using the gateway's page.",
    )
    operation: OperationShown | None = Field(description="The latest operation.")

    @classmethod
    def in_full(
        cls,
        view: DeploymentView,
        host: str,
        checks: Iterable[ReadinessCheck],
        obstacles: Iterable[PageObstacle],
        cause: Cause | None,
    ) -> Self:
        operation = view.deployment.operation
        return cls.of_view(
            view,
            host,
            health=view.gateway.health if view.gateway else None,
            containers=[ContainerShown.of(each) for each in view.containers],
            checks=[ReadinessCheckShown.of(each) for each in checks],
            cause=cause and CauseShown.of(cause),
            obstacles=obstacles,
            operation=operation and OperationShown.of(operation),
        )
