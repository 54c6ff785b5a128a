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
    """Return the text as an id. Raises NotFound: a malformed id names nothing."""
    if isinstance(text, str) and is_id(text):
        return text
    raise NotFound(
        "That is no deployment's id: an id is ten characters of 0-9 and a-f."
        " The list of deployments has them."
    )


@dataclass(frozen=True, slots=True)
class Deployment:
    """A folder `deployments/<id>/` as it stands now.

    `problem` says why it is invalid, or None. `port` is None where it is not
    known. `secrets` are the values that no text may show, also of a `.env` that
    can't be understood. `configured_here` says that our own history has its making.
    `half_updated` is the image of an update that was broken off before it was proven.
    `operation` is the latest; `earlier` the latest launch or stop before it, where it is neither.
    `applied_to` is the container of the last launch; `changed` are the variables and files
    that would reach it and differ since. `env_at` and `compose_at` are when the files changed.
    """

    id: str
    folder: str
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    port: int | None = None
    problem: str | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    has_compose_file: bool = False
    configured_here: bool = False
    half_updated: str = ""
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
    def token(self) -> str:
        return self.env.get("OPENCLAW_GATEWAY_TOKEN", "")

    def gateway_in(self, containers: Iterable["Container"]) -> "Container | None":
        """Return the gateway's own container; helpers and one-off runs beside it decide nothing.

        Who publishes the port is the gateway, whatever its service is called.
        """
        candidates = [each for each in containers if not each.one_off]
        if len(candidates) == 1:
            return candidates[0]
        return max(candidates, key=lambda each: each.likelihood(self.port), default=None)

    @property
    def launch_or_stop(self) -> Operation | None:
        """The latest operation that tells whether there should be a container."""
        latest = self.operation
        return latest if latest and latest.decides_whether_up else self.earlier

    @property
    def running_operation(self) -> Operation | None:
        latest = self.operation
        return latest if latest and latest.state is OperationState.RUNNING else None
