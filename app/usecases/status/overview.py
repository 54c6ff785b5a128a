"""Overview: each deployment's folder joined with its containers in one engine snapshot."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.core.deployment import Deployment, is_id
from app.core.errors import InputRejected, NotFound
from app.core.settings.file_changes import label_of
from app.core.settings.fingerprints import drift_of
from app.core.snapshot import Container, EngineProblem, Snapshot
from app.core.status.rules import status_of
from app.core.status.status import LastStatus, Status, StatusReport
from app.core.status.usage import Usage
from app.usecases.context import AppContext


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """A deployment with its status and containers; `gateway` is one of the containers.

    If `problem` is set, the engine did not answer, and the containers are unknown.
    """

    deployment: Deployment
    report: StatusReport
    containers: tuple[Container, ...]
    gateway: Container | None
    problem: EngineProblem | None = None
    remark: str = ""

    @property
    def drift(self) -> tuple[str, ...]:
        """The labels of settings changed since the container was created, so not yet applied."""
        return tuple(map(label_of, drift_of(self.deployment, self.gateway)))

    @property
    def image(self) -> str:
        """The image that the gateway runs or would run; by name, even if the tag has moved."""
        running = self.gateway.image if self.gateway else ""
        named = self.deployment.env.get("OPENCLAW_IMAGE", "")
        return named if running.startswith("sha256:") else running or named

    @property
    def action(self) -> str:
        """The action of the main button: `launch`, `stop`, `wait`, or empty."""
        status = self.report.status
        if status in (Status.CONFIGURED, Status.STOPPED, Status.FAILED):
            return "launch"
        if status in (Status.RUNNING, Status.UNHEALTHY, Status.RESTARTING):
            return "stop"
        if status in (Status.LAUNCHING, Status.STOPPING, Status.INVALID):
            under_way = self.deployment.running_operation
            if under_way and under_way.can_be_cancelled:
                return "stop"
            if self.containers and status is not Status.STOPPING and not under_way:
                return "stop"
            return "" if status is Status.INVALID else "wait"
        return ""


@dataclass(frozen=True, slots=True)
class Overview:
    """All folders and one engine snapshot. Equal overviews give equal lists."""

    deployments: tuple[Deployment, ...]
    snapshot: Snapshot


def load_overview(context: AppContext) -> Overview:
    """Read all folders, with at most one engine call."""
    return _overview(context, context.store.scan())


def list_deployments(context: AppContext) -> list[DeploymentView]:
    """Return all deployments, with at most one engine call."""
    return views_of(load_overview(context), context)


def show_deployment(deployment_id: str, *, context: AppContext) -> DeploymentView:
    """Return one deployment. Raises NotFound."""
    return views_of(_overview(context, [context.store.load(deployment_id)]), context)[0]


def find_deployment(given: str, *, context: AppContext) -> str:
    """Return the deployment's id. Raises NotFound; InputRejected if several have the name."""
    if is_id(given):
        return context.store.load(given).id
    found = [each.id for each in context.store.scan() if each.name == given]
    if not found:
        raise NotFound(f"There is no deployment “{given}”. The list shows all deployments.")
    if len(found) > 1:
        ids = ", ".join(found)
        raise InputRejected({"deployment_id": f"is needed: several have that name: {ids}"})
    return found[0]


def views_of(overview: Overview, context: AppContext) -> list[DeploymentView]:
    now = datetime.now(UTC)
    return [_view(context, each, overview.snapshot, now) for each in overview.deployments]


def usage_of(views: Iterable[DeploymentView], *, context: AppContext) -> dict[str, Usage]:
    """Return CPU and memory usage by deployment id; keep the sampler running for a while."""
    running = {
        view.gateway.id: view.deployment.id
        for view in views
        if view.gateway and view.gateway.state == "running"
    }
    found = context.sampler.usage_of(running)
    return {running[each]: usage for each, usage in found.items()}


def _overview(context: AppContext, deployments: list[Deployment]) -> Overview:
    snapshot = context.snapshots.take(not_before=_last_change(deployments))
    return Overview(tuple(deployments), snapshot)


def _last_change(deployments: Iterable[Deployment]) -> datetime | None:
    """Return when one of our operations last changed containers."""
    operations = [each.operation for each in deployments if each.operation]
    return max((each.ended_at or each.started_at for each in operations), default=None)


def _view(
    context: AppContext, deployment: Deployment, snapshot: Snapshot, now: datetime
) -> DeploymentView:
    last_status = context.last_statuses.get(deployment.id)
    readiness = context.readiness.readiness_of(deployment)
    report = status_of(deployment, snapshot, now, last_status, readiness)
    if report.status is not Status.UNKNOWN:
        context.last_statuses[deployment.id] = LastStatus(report.status, snapshot.taken_at)
    containers = snapshot.of(deployment.id) or ()
    gateway = deployment.gateway_in(containers)
    remark = _remark(deployment, gateway)
    return DeploymentView(deployment, report, containers, gateway, snapshot.problem, remark)


def _remark(deployment: Deployment, gateway: Container | None) -> str:
    if deployment.interrupted_update and not deployment.running_operation:
        return (
            f"The update to {deployment.interrupted_update} was interrupted before verification."
            " The next launch or restart first rolls image and state back."
        )
    if not gateway or not gateway.working_dir:
        return ""
    if _same_folder(gateway.working_dir, deployment.folder):
        return ""
    return f"The container was started from {gateway.working_dir}, a folder that was moved later."


def _same_folder(one: str, other: str) -> bool:
    """Return whether two paths lead to the same folder.

    Resolve links only if the paths differ, since resolving reads every part of both from disk.
    """
    return one == other or os.path.realpath(one) == os.path.realpath(other)
