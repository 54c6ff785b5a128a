"""The values that everything else speaks of: a deployment, its operations, its containers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network

from app.core.errors import NotFound
from app.core.settings.compose_file import SERVICE
from app.core.settings.ports import probe_address

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


class OperationKind(StrEnum):
    LAUNCH = "launch"
    STOP = "stop"
    RESTART = "restart"
    ARCHIVE = "archive"
    ALLOW_ORIGIN = "allow-origin"
    UPDATE = "update"
    ROTATE_TOKEN = "rotate-token"  # noqa: S105 - a kind of operation
    EQUALIZE_TOKEN = "equalize-token"  # noqa: S105 - another
    RECONFIGURE = "reconfigure"

    @property
    def label(self) -> str:
        """What such an operation is called in a heading."""
        return self.value.replace("-", " ").capitalize()

    @property
    def noun(self) -> str:
        """What such an operation is called in a sentence."""
        return _NOUNS.get(self, self.value)

    @property
    def after_interruption(self) -> str:
        """What to do once such an operation was interrupted."""
        if self is OperationKind.UPDATE:
            return "Launch it: that first puts image and state back as they were."
        if self is OperationKind.ROTATE_TOKEN:
            return "Launch it: that takes the token of .env and proves it."
        if self is OperationKind.RECONFIGURE:
            return "Finish or undo it before anything else: what the files were is kept until then."
        return f"{self.label} again."


_NOUNS = {
    OperationKind.ARCHIVE: "archiving",
    OperationKind.ROTATE_TOKEN: "token rotation",
    OperationKind.EQUALIZE_TOKEN: "token equalization",
    OperationKind.RECONFIGURE: "reconfiguration",
}
LAUNCHES = (OperationKind.LAUNCH, OperationKind.RESTART, OperationKind.UPDATE)
STOPS = (OperationKind.STOP, OperationKind.ARCHIVE)
# Those that bring up anew what is up, and leave down what is down.
RENEWALS = (OperationKind.ROTATE_TOKEN, OperationKind.EQUALIZE_TOKEN)
# Those that tell whether there should be a container.
LAUNCH_OR_STOP = (*LAUNCHES, *STOPS)
# The code of an operation whose process the system refused: nothing was done.
NOT_STARTED = "not_started"
# The code of what failed, and of which what was before could not be put back.
NOT_BACK = "not_put_back"
# Those of what ended where nobody had thought of it.
DEADLINE, INTERNAL_ERROR = "deadline", "internal_error"
# Of these nobody knows how far they came.
_BROKEN_OFF = (NOT_BACK, DEADLINE, INTERNAL_ERROR)
# What is done with a reconfiguration that is left half done: the argument of the one that does it.
RESUMPTIONS = ("undo", "finish")
# Those that can be left half done: what was started is taken down, or goes back.
CANCELLABLE = (*LAUNCHES, OperationKind.RECONFIGURE)


class OperationState(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one container: another start of the same container is another run."""

    container_id: str
    started_at: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Something long that changes a deployment. `number` counts up from 1 per deployment.

    Of a failed one, `code` and `reason` name the cause, `next_step` what to do, and `fix` is a
    line for a shell that does it, where there is one.
    `cancelled_by` is who asked for its end: it may still be running then.
    `free_port` can be had instead of one that is taken.
    `arguments` is what its kind needs to know; they are shown, so no secret is among them.
    """

    deployment_id: str
    number: int
    kind: OperationKind
    actor: str
    started_at: datetime
    state: OperationState
    ended_at: datetime | None = None
    code: str = ""
    reason: str = ""
    next_step: str = ""
    fix: str = ""
    verified: Run | None = None
    cancelled_by: str = ""
    free_port: int | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def launches(self) -> bool:
        """Say whether it is to bring a gateway up."""
        return self.kind in LAUNCHES or self.arguments.get("then") in ("restart", "launch")

    @property
    def can_be_cancelled(self) -> bool:
        running = self.state is OperationState.RUNNING
        return running and self.kind in CANCELLABLE and not self.cancelled_by

    @property
    def can_be_resumed(self) -> bool:
        """Say whether it can be finished or undone: what the files were and are to be is kept."""
        left = self.state is OperationState.INTERRUPTED or self.code in _BROKEN_OFF
        still_left = bool(self.resumption) and self.code == NOT_STARTED
        return (left or still_left) and self.kind is OperationKind.RECONFIGURE

    @property
    def resumption(self) -> str:
        """What it does with one before it: `undo`, `finish`, or nothing."""
        return next((each for each in RESUMPTIONS if each in self.arguments), "")

    @property
    def tells_what_should_run(self) -> bool:
        """Say whether it tells if there should be a container, and why there is none.

        A renewal does where it ended without a proven run: it may have left none.
        One whose process could not be started has changed nothing.
        """
        if self.code == NOT_STARTED:
            return False
        broken_off = self.state in (OperationState.FAILED, OperationState.INTERRUPTED)
        left_none = self.kind in RENEWALS and broken_off and self.verified is None
        return self.launches or self.kind in STOPS or left_none


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
        return latest if latest and latest.tells_what_should_run else self.earlier

    @property
    def running_operation(self) -> Operation | None:
        latest = self.operation
        return latest if latest and latest.state is OperationState.RUNNING else None


@dataclass(frozen=True, slots=True)
class PublishedPort:
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Details:
    """What only `inspect` says of a container. `secrets` are those of its own environment."""

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
class Ended:
    """How a container ended before Docker started it again, when its own state forgets it."""

    exit_code: int
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a project, from the engine's list; `details` where it was inspected.

    The list tells only in round words for how long it is up; `started_at` is set where
    its start is known from before, `ended_before` where the end of its run before is.
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
    ended_before: Ended | None = None
    # The deployment that our compose file names in a label, whatever the project is called.
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
    def last_end(self) -> Ended | None:
        """How it ended last, as far as known, if Docker starts it again or has done so."""
        if self.state == "restarting":
            code = self.exit_code
            if code is None and self.details:
                code = self.details.exit_code
            return None if code is None else Ended(code, self._out_of_memory)
        return self.ended_before

    @property
    def _out_of_memory(self) -> bool:
        return bool(self.details and self.details.out_of_memory)

    @property
    def needs_inspection(self) -> bool:
        """Say whether the list alone can't tell its status.

        The list has no restart count and no out-of-memory flag, and a container
        in a crash loop is listed as running half of the time.
        """
        if self.state != "running" or self.health in ("starting", "unhealthy"):
            return True
        return bool(re.match(r"Up (?:Less than a second|\d+ seconds?)", self.status_text))

    def likelihood(self, port: int | None) -> tuple[bool, bool, bool, datetime]:
        """Return how likely it is the gateway with this port, to be compared with others."""
        publishes = any(each.port == port for each in self.ports)
        return publishes, self.service == SERVICE, self.state == "running", self.created_at

    def address_of(self, port: int) -> str | None:
        """Return this host's address at which its port answers; None where it publishes others.

        A container in the host's own network publishes nothing and answers all the same.
        """
        if not self.ports:
            return probe_address("")
        addresses = [each.address for each in self.ports if each.port == port]
        ipv4 = next((address for address in addresses if ":" not in address), None)
        return None if ipv4 is None else probe_address(ipv4)

    def publishes(self, port: int) -> bool:
        """Say whether it is this host's port that leads to it."""
        return bool(self.ports) and self.address_of(port) is not None

    @property
    def runs_since(self) -> datetime | None:
        """When its run began, as far as known."""
        return self.details.started_at if self.details else self.started_at

    @property
    def is_up(self) -> bool:
        return self.state in ("running", "restarting", "paused")

    @property
    def run(self) -> Run | None:
        return Run(self.id, self.details.started_at_text) if self.details else None


def _without_age(container: Container) -> Container:
    """Return a container without Docker's words for how long it is up, which change each second
    at first, where its start is known."""
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
    """Why the engine gave no answer: a stable code and words."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the engine says of all containers of all deployments at one instant, by project.

    With a `problem` it said nothing, and `containers` is empty without meaning.
    """

    taken_at: datetime
    containers: Mapping[str, tuple[Container, ...]] = field(default_factory=dict)
    problem: EngineProblem | None = None

    @property
    def all(self) -> list[Container]:
        return [each for containers in self.containers.values() for each in containers]

    @property
    def said(self) -> tuple[object, ...]:
        """What was said, to be compared with what another snapshot said."""
        return [_without_age(each) for each in self.all], self.problem

    def of(self, deployment_id: str) -> tuple[Container, ...] | None:
        """Return a deployment's containers; None where the engine did not answer."""
        return None if self.problem else self.containers.get(deployment_id, ())
