"""A deployment: a folder `deployments/<id>/` with its settings and its operations."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.core.errors import NotFound
from app.core.operations.operation import Operation, OperationState
from app.core.snapshot import Container

_ID = re.compile(r"[0-9a-f]{10}\Z", re.ASCII)


def is_id(text: str) -> bool:
    """Say whether a text has the form of a deployment's id."""
    return bool(_ID.match(text))


def parse_id(text: object) -> str:
    """Return the text as an id. Raise NotFound if the text does not have the form of an id."""
    if isinstance(text, str) and is_id(text):
        return text
    raise NotFound(
        "That is not a deployment's id: an id has ten characters, 0-9 and a-f."
        " See the list of deployments."
    )


@dataclass(frozen=True, slots=True)
class Deployment:
    """A folder `deployments/<id>/` as it is now.

    `problem` says why the deployment is invalid; `port` is None if it is unknown.
    `secrets` are known even if `.env` can't be parsed, and must not appear in any text.
    `configured_here`: our history records that the deployment was configured.
    `interrupted_update` is the image of an update that was interrupted before verification.
    `operation` is the latest operation; `earlier` is the latest launch or stop, if `operation` is
    another operation.
    `applied_to` is the container of the last launch. `changed` are the variables and files that
    affect the container and have changed since that launch. `env_at` and `compose_at` are the times
    at which the files last changed.
    """

    id: str
    folder: str
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    port: int | None = None
    problem: str | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    has_compose_file: bool = False
    configured_here: bool = False
    interrupted_update: str = ""
    operation: Operation | None = None
    earlier: Operation | None = None
    applied_to: str = ""
    changed: tuple[str, ...] = ()
    env_at: datetime | None = None
    compose_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.env.get("DEPLOYMENT_NAME", "")

    @property
    def label(self) -> str:
        """The deployment's name for people, or else its id."""
        return self.name or self.id

    @property
    def label_with_id(self) -> str:
        return f"{self.name} ({self.id})" if self.name else self.id

    @property
    def token(self) -> str:
        return self.env.get("OPENCLAW_GATEWAY_TOKEN", "")

    def gateway_in(self, containers: Iterable["Container"]) -> "Container | None":
        """Return the gateway's container, never a helper container or a one-off run.

        The container that publishes the port is the gateway, whatever its service is called.
        """
        candidates = [each for each in containers if not each.one_off]
        if len(candidates) == 1:
            return candidates[0]
        return max(candidates, key=lambda each: each.likelihood(self.port), default=None)

    @property
    def launch_or_stop(self) -> Operation | None:
        """The latest operation that decides whether the deployment should have a container."""
        latest = self.operation
        return latest if latest and latest.decides_whether_up else self.earlier

    @property
    def running_operation(self) -> Operation | None:
        latest = self.operation
        return latest if latest and latest.state is OperationState.RUNNING else None
