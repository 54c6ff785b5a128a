"""The kinds of operations, and all differences between them, in one table.

To add a kind, add a member and its facts here, and the function that performs the kind in
`app/usecases/operations/perform.py`. A test fails if either is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from app.core.errors import (
    ArchiveFailed,
    LaunchFailed,
    LaunchTimeout,
    ReconfigureFailed,
    StopFailed,
    TokenNotVerified,
    UpdateFailed,
    UserError,
)
from app.core.operations.steps import BRING_UP, PREPARE, RECREATE, TAKE_DOWN, Step


class OperationKind(StrEnum):
    LAUNCH = "launch"
    STOP = "stop"
    RESTART = "restart"
    ARCHIVE = "archive"
    ALLOW_ORIGIN = "allow-origin"
    UPDATE = "update"
    ROTATE_TOKEN = "rotate-token"  # noqa: S105 - a kind of operation
    EQUALIZE_TOKEN = "equalize-token"  # noqa: S105 - a kind of operation
    RECONFIGURE = "reconfigure"

    @property
    def facts(self) -> "KindFacts":
        return _FACTS[self]

    @property
    def label(self) -> str:
        """The kind's name in a heading."""
        return self.value.replace("-", " ").capitalize()

    @property
    def noun(self) -> str:
        """The kind's name in a sentence."""
        return self.facts.noun

    @property
    def after_interruption(self) -> str:
        return self.facts.after_interruption


class Effect(Enum):
    """What an operation does to the containers of a deployment."""

    LAUNCH = "brings them up"
    STOP = "removes them"
    RENEW = "recreates them if they are up, else leaves them alone"
    CHANGE = "changes files, and may restart or recreate them"


@dataclass(frozen=True, slots=True, kw_only=True)
class KindFacts:
    """The facts that hold for every operation of one kind.

    noun: the kind's name in a sentence.
    title: the operation in the history, with its arguments.
    writes_settings: the operation may write `.env` or `docker-compose.yml`.
    runs_on_full_disk: the operation may use the reserved space, so that a gateway that has filled
        the disk can still be stopped.
    can_be_resumed: an interrupted operation can be finished or undone.
    failure, timeout: the errors for a waiting caller if the operation fails, and if the gateway is
        not ready in time.
    after_interruption: what people should do after an interruption; `retry` is our command for
        that.
    compose_command: the arguments of `docker compose` that do the same by hand.
    steps: the plan; `steps_without_launch` is the plan if the gateway is left alone.
    """

    noun: str
    title: str
    effect: Effect
    failure: type[UserError]
    timeout: type[UserError]
    after_interruption: str
    retry: tuple[str, ...]
    compose_command: str
    steps: tuple[Step, ...]
    steps_without_launch: tuple[Step, ...] = ()
    writes_settings: bool = False
    runs_on_full_disk: bool = False
    can_be_cancelled: bool = False
    can_be_resumed: bool = False

    @property
    def launches(self) -> bool:
        return self.effect is Effect.LAUNCH

    @property
    def stops(self) -> bool:
        return self.effect is Effect.STOP

    @property
    def renews(self) -> bool:
        return self.effect is Effect.RENEW


_FACTS: Mapping[OperationKind, KindFacts] = {
    OperationKind.LAUNCH: KindFacts(
        noun="launch",
        title="Launch",
        effect=Effect.LAUNCH,
        can_be_cancelled=True,
        failure=LaunchFailed,
        timeout=LaunchTimeout,
        after_interruption="Launch again.",
        retry=("launch",),
        compose_command="up -d",
        steps=(*PREPARE, *BRING_UP),
    ),
    OperationKind.STOP: KindFacts(
        noun="stop",
        title="Stop",
        effect=Effect.STOP,
        runs_on_full_disk=True,
        failure=StopFailed,
        timeout=StopFailed,
        after_interruption="Stop again.",
        retry=("stop",),
        compose_command="down",
        steps=TAKE_DOWN,
    ),
    OperationKind.RESTART: KindFacts(
        noun="restart",
        title="Restart",
        effect=Effect.LAUNCH,
        can_be_cancelled=True,
        failure=LaunchFailed,
        timeout=LaunchTimeout,
        after_interruption="Restart again.",
        retry=("launch",),
        compose_command="up -d --force-recreate",
        steps=RECREATE,
    ),
    OperationKind.ARCHIVE: KindFacts(
        noun="archiving",
        title="Archive",
        effect=Effect.STOP,
        failure=ArchiveFailed,
        timeout=ArchiveFailed,
        after_interruption="Archive again.",
        retry=("archive",),
        compose_command="down",
        steps=(*TAKE_DOWN, Step.MOVE),
    ),
    OperationKind.ALLOW_ORIGIN: KindFacts(
        noun="change of allowed origins",
        title="Allowing {origin}",
        effect=Effect.CHANGE,
        writes_settings=True,
        failure=LaunchFailed,
        timeout=LaunchTimeout,
        after_interruption="Allow the origin again.",
        retry=("launch",),
        compose_command="restart",
        steps=(Step.WRITE, Step.RESTART, Step.ANSWERS, Step.READY),
    ),
    OperationKind.UPDATE: KindFacts(
        noun="update",
        title="Update to {image}",
        effect=Effect.LAUNCH,
        writes_settings=True,
        can_be_cancelled=True,
        failure=UpdateFailed,
        timeout=UpdateFailed,
        after_interruption="Launch the deployment: this first rolls image and state back.",
        retry=("launch",),
        compose_command="up -d --pull missing",
        steps=(
            *(Step.CHECK, Step.PULL),
            *TAKE_DOWN,
            *(Step.COPY, Step.WRITE, Step.FOLDERS),
            *BRING_UP,
        ),
    ),
    OperationKind.ROTATE_TOKEN: KindFacts(
        noun="token rotation",
        title="Rotate token",
        effect=Effect.RENEW,
        writes_settings=True,
        failure=TokenNotVerified,
        timeout=LaunchTimeout,
        after_interruption="Launch the deployment: this applies and verifies the token of .env.",
        retry=("launch",),
        compose_command="up -d --force-recreate",
        steps=(Step.TOKEN, *RECREATE, Step.REFUSED),
    ),
    OperationKind.EQUALIZE_TOKEN: KindFacts(
        noun="token equalization",
        title="Equalize token",
        effect=Effect.RENEW,
        writes_settings=True,
        failure=TokenNotVerified,
        timeout=LaunchTimeout,
        after_interruption="Equalize the token again.",
        retry=("equalize-token",),
        compose_command="up -d --force-recreate",
        steps=(Step.COMPARE, *RECREATE),
    ),
    OperationKind.RECONFIGURE: KindFacts(
        noun="reconfiguration",
        title="Reconfiguration of {changed}",
        effect=Effect.CHANGE,
        writes_settings=True,
        can_be_cancelled=True,
        can_be_resumed=True,
        failure=ReconfigureFailed,
        timeout=ReconfigureFailed,
        after_interruption=(
            "Finish or undo the reconfiguration before anything else: until then, the old files are"
            " kept."
        ),
        retry=("reconfigure", "--finish"),
        compose_command="up -d",
        steps=(Step.WRITE, *RECREATE),
        steps_without_launch=(Step.WRITE,),
    ),
}
# For kinds stored as plain text, such as in a history entry.
LAUNCHES = tuple(each for each in OperationKind if each.facts.launches)
STOPS = tuple(each for each in OperationKind if each.facts.stops)
