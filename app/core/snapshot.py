"""Containers and networks of Compose projects as the engine reports them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from ipaddress import IPv4Network

from app.core.settings.compose_file import SERVICE
from app.core.settings.ports import probe_address


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one container. Each start of the container begins another run."""

    container_id: str
    started_at: str


@dataclass(frozen=True, slots=True)
class PublishedPort:
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Details:
    """What only `inspect` reports. `secrets` are the secrets in the container's environment."""

    restart_count: int
    started_at: datetime | None
    finished_at: datetime | None
    started_at_text: str
    exit_code: int
    out_of_memory: bool
    error: str
    restart_policy: str
    health_output: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class PreviousExit:
    """How a container ended before Docker restarted it, which its own state no longer shows."""

    exit_code: int
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a project, from the engine's list; with `details` if it was inspected.

    The list gives the uptime in rounded words only. `started_at` and `previous_exit` come from
    earlier inspections and events, and may be unknown.
    """

    id: str
    name: str
    project: str
    service: str
    image: str
    state: str
    status_text: str
    created_at: datetime
    working_dir: str = ""
    ports: tuple[PublishedPort, ...] = ()
    one_off: bool = False
    image_id: str = ""
    started_at: datetime | None = None
    details: Details | None = None
    previous_exit: PreviousExit | None = None
    # The deployment named by a label of our compose file, whatever the project is called.
    made_for: str = ""

    @property
    def health(self) -> str | None:
        """`healthy`, `unhealthy`, `starting`, or None without a health check."""
        match = re.search(r"\((?:health: )?(healthy|unhealthy|starting)\)", self.status_text)
        return match[1] if match else None

    @property
    def exit_code(self) -> int | None:
        match = re.match(r"(?:Exited|Restarting) \((-?\d+)\)", self.status_text)
        return int(match[1]) if match else None

    @property
    def last_exit(self) -> PreviousExit | None:
        """How the last run ended, if Docker has restarted or will restart it; None if unknown."""
        if self.state == "restarting":
            details, code = self.details, self.exit_code
            if code is None and details:
                code = details.exit_code
            out_of_memory = bool(details and details.out_of_memory)
            return None if code is None else PreviousExit(code, out_of_memory)
        return self.previous_exit

    @property
    def needs_inspection(self) -> bool:
        """Say whether the engine's list is not enough to derive the container's status.

        The list has no restart count and no out-of-memory flag, and shows a container in a crash
        loop as running half of the time.
        """
        if self.state != "running" or self.health in ("starting", "unhealthy"):
            return True
        return bool(re.match(r"Up (?:Less than a second|\d+ seconds?)", self.status_text))

    def likelihood(self, port: int | None) -> tuple[bool, bool, bool, datetime]:
        """Return a sort key: the highest of several containers is the gateway with that port."""
        publishes = any(each.port == port for each in self.ports)
        return publishes, self.service == SERVICE, self.state == "running", self.created_at

    def address_of(self, port: int) -> str | None:
        """Return this host's address for a port, or None if only other ports are published.

        A container in the host's network publishes nothing, but answers at the port all the same.
        """
        if not self.ports:
            return probe_address("")
        addresses = [each.address for each in self.ports if each.port == port]
        ipv4 = next((address for address in addresses if ":" not in address), None)
        return None if ipv4 is None else probe_address(ipv4)

    def publishes(self, port: int) -> bool:
        return bool(self.ports) and self.address_of(port) is not None

    @property
    def runs_since(self) -> datetime | None:
        """When the container's run began, if that is known."""
        return self.details.started_at if self.details else self.started_at

    @property
    def is_up(self) -> bool:
        return self.state in ("running", "restarting", "paused")

    @property
    def run(self) -> Run | None:
        return Run(self.id, self.details.started_at_text) if self.details else None


def _without_age(container: Container) -> Container:
    """Drop Docker's uptime text, which at first changes every second, if the start is known."""
    if container.state != "running" or container.runs_since is None:
        return container
    return replace(container, status_text=container.health or "")


@dataclass(frozen=True, slots=True)
class Network:
    """A network of a Compose project."""

    id: str
    name: str
    project: str
    created_at: datetime
    subnet: IPv4Network | None = None


@dataclass(frozen=True, slots=True)
class EngineProblem:
    """Why the engine did not answer: a stable code, and the reason in words."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All containers of all deployments at one instant, by project.

    If there is a `problem`, the engine did not answer, and `containers` means nothing.
    """

    taken_at: datetime
    containers: Mapping[str, tuple[Container, ...]] = field(default_factory=dict)
    problem: EngineProblem | None = None

    @property
    def all(self) -> list[Container]:
        return [each for containers in self.containers.values() for each in containers]

    @property
    def content(self) -> tuple[object, ...]:
        """The content without its time, for comparison with another snapshot."""
        return [_without_age(each) for each in self.all], self.problem

    def of(self, deployment_id: str) -> tuple[Container, ...] | None:
        """Return a deployment's containers, or None if the engine did not answer."""
        return None if self.problem else self.containers.get(deployment_id, ())
