"""The expected status of a deployment, from the actions on it and from `docker inspect`.

The model follows the documented contract and shares no code with `app.core.status`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import docker

from tests.support.engine.containers import containers_of

# The output of `docker inspect` for a container.
Inspection = dict[str, Any]
# A restart within this time counts as a crash loop. Near the limit both statuses are right, because
# time passes while a status is read.
_CRASH_LOOP_SECONDS, _TOLERANCE_SECONDS = 60, 5


class Stage(StrEnum):
    """The expected state of a deployment or its container after the actions."""

    NONE = "none"
    UP = "up"
    LOOPING = "looping"
    PAUSED = "paused"
    DOWN = "down"
    ARCHIVED = "archived"


# The engine's container states for each stage.
ENGINE_STATES = {
    Stage.UP: ("running",),
    Stage.LOOPING: ("running", "restarting"),
    Stage.PAUSED: ("paused",),
    Stage.DOWN: ("exited",),
}
WITH_CONTAINER = tuple(ENGINE_STATES)
LISTED = (Stage.NONE, *WITH_CONTAINER)


@dataclass(eq=False)
class ModelDeployment:
    """The effects of past actions on one deployment that decide its expected status.

    `without` is the status if there is no container. `verified_run` is the container run that a
    launch verified. `env` and `compose_file` are the contents of removed files. If `is_broken`, the
    gateway exits at each start.
    """

    id: str
    folder: Path = field(repr=False)
    stage: Stage = Stage.NONE
    without: str = "configured"
    verified_run: tuple[str, str] | None = None
    env: bytes | None = field(default=None, repr=False)
    compose_file: bytes | None = field(default=None, repr=False)
    is_broken: bool = False

    @property
    def is_invalid(self) -> bool:
        return self.env is not None

    @property
    def can_come_up(self) -> bool:
        return not self.is_invalid and self.compose_file is None

    def lost_container(self, without: str) -> None:
        self.stage, self.without, self.verified_run = Stage.NONE, without, None

    def fits(self, inspection: Inspection | None) -> bool:
        """Return whether the container is in the state expected for this stage."""
        states = ENGINE_STATES.get(self.stage)
        return (
            inspection["State"]["Status"] in states
            if inspection and states
            else not (inspection or states)
        )


def inspect_container_of(
    deployment: ModelDeployment, engine: docker.APIClient
) -> Inspection | None:
    """Return the engine's current inspection of a deployment's container, or None without one."""
    found = containers_of(engine, deployment.id)
    return engine.inspect_container(str(found[0]["Id"])) if found else None


def run_in(inspection: Inspection) -> tuple[str, str]:
    return inspection["Id"], inspection["State"]["StartedAt"]


def expected_statuses(deployment: ModelDeployment, inspection: Inspection | None) -> set[str]:
    """Return the statuses a listed deployment may have; two if a time limit is near."""
    if deployment.is_invalid:
        return {"invalid"}
    if inspection is None:
        return {deployment.without}
    return _BY_STATE[inspection["State"]["Status"]](deployment, inspection)


def _running(deployment: ModelDeployment, inspection: Inspection) -> set[str]:
    health = inspection["State"]["Health"]["Status"]
    is_verified = run_in(inspection) == deployment.verified_run
    # The readiness checks may pass before Docker's health check passes.
    starting = {"running"} if is_verified else {"launching", "running"}
    settled = {"healthy": {"running"}, "starting": starting, "unhealthy": {"unhealthy"}}[health]
    if is_verified or not inspection["RestartCount"]:
        return settled
    started_at = datetime.fromisoformat(inspection["State"]["StartedAt"][:19] + "+00:00")
    age = (datetime.now(UTC) - started_at).total_seconds() - _CRASH_LOOP_SECONDS
    if abs(age) < _TOLERANCE_SECONDS:
        return {"restarting", *settled}
    return {"restarting"} if age < 0 else settled


def _exited(deployment: ModelDeployment, inspection: Inspection) -> set[str]:
    """With the policy `always`, a container stays down only if somebody stopped it."""
    return {
        "failed" if inspection["State"]["OOMKilled"] or inspection["State"]["Error"] else "stopped"
    }


_BY_STATE: dict[str, Callable[[ModelDeployment, Inspection], set[str]]] = {
    "created": lambda deployment, inspection: {"failed"},
    "running": _running,
    "restarting": lambda deployment, inspection: {"restarting"},
    "paused": lambda deployment, inspection: {"unhealthy"},
    "exited": _exited,
    "removing": lambda deployment, inspection: {"stopping"},
    "dead": lambda deployment, inspection: {"failed"},
}
