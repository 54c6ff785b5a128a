"""The steps of an operation, read from its log: what is done, what runs, what each took."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.core.operations.kinds import OperationKind
from app.core.operations.operation import NOT_BACK, Operation, OperationState
from app.core.operations.pull_progress import Layer, layer_in, layers_of


class StepState(StrEnum):
    DONE = "done"
    RUNNING = "running"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    PENDING = "pending"


LABELS = {
    "check": "Check the file",
    "pull": "Pull the image",
    "folders": "Prepare the folders",
    "create": "Create the container",
    "start": "Start it",
    "answers": "It answers",
    "ready": "It is ready",
    "write": "Write the file",
    "restart": "Restart it",
    "stop": "Stop the container",
    "words": "Keep its last words",
    "remove": "Remove the container",
    "move": "Move the folder",
    "copy": "Set the state aside",
    "back": "Go back to what was before",
    "compare": "Compare the places",
    "token": "Write the new token",
    "refused": "The old token is refused",
    "undo": "Take down what was started",
}
_TAKE_DOWN = ("stop", "words", "remove")
# What comes after a step that was broken off; in no plan.
_WAYS_BACK = ("undo", "back")
_ANEW = (
    *("check", "pull", "folders"),
    *_TAKE_DOWN,
    *("create", "start", "answers", "ready"),
)
_PLANS: dict[OperationKind, tuple[str, ...]] = {
    OperationKind.LAUNCH: ("check", "pull", "folders", "create", "start", "answers", "ready"),
    OperationKind.RESTART: _ANEW,
    OperationKind.ROTATE_TOKEN: ("token", *_ANEW, "refused"),
    OperationKind.EQUALIZE_TOKEN: ("compare", *_ANEW),
    OperationKind.ALLOW_ORIGIN: ("write", "restart", "answers", "ready"),
    OperationKind.RECONFIGURE: (
        *("write", "check", "pull", "folders"),
        *_TAKE_DOWN,
        *("create", "start", "answers", "ready"),
    ),
    OperationKind.UPDATE: (
        *("check", "pull"),
        *_TAKE_DOWN,
        *("copy", "write", "folders", "create", "start", "answers", "ready"),
    ),
    OperationKind.STOP: _TAKE_DOWN,
    OperationKind.ARCHIVE: (*_TAKE_DOWN, "move"),
}
# The lines with which operations begin their steps; `FOLDERS`, `ANSWERS` and the
# others are said by them, the rest are Compose's.
FOLDERS = "Preparing the data folders"
ANSWERS = "Waiting for the gateway to answer"
READY = "The gateway answers; waiting until it is ready"
WORDS = "Keeping its last words"
MOVE = "Moving the folder to the archive"
WRITE = "Writing .env and docker-compose.yml"
COPY = "Setting the state aside"
BACK = "Going back from"
NEW_TOKEN = "Writing a new token into .env"  # noqa: S105
OLD_REFUSED = "Asking whether the old token is refused"
_BEGINNINGS = tuple(
    (re.compile(pattern), step)
    for pattern, step in (
        (r"docker compose config\b", "check"),
        (r"docker compose pull\b", "pull"),
        (re.escape(FOLDERS), "folders"),
        (r"docker compose (?:up|unpause)\b", "create"),
        (r"Container \S+ Starting\Z", "start"),
        (re.escape(ANSWERS), "answers"),
        (re.escape(READY), "ready"),
        (r"Writing \S+ into (?:config/|\.env)|config/openclaw\.json allows ", "write"),
        (r"docker compose restart\b", "restart"),
        (r"docker compose stop\b", "stop"),
        (re.escape(WORDS), "words"),
        (r"docker compose down\b", "remove"),
        (re.escape(MOVE), "move"),
        (re.escape(COPY), "copy"),
        (re.escape(WRITE), "write"),
        (re.escape(BACK), "back"),
        (re.escape(NEW_TOKEN), "token"),
        (re.escape(OLD_REFUSED), "refused"),
    )
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `detail` is what was said last while it runs; `layers` are those of a pull."""

    name: str
    state: StepState
    began_at: datetime | None = None
    ended_at: datetime | None = None
    detail: str = ""
    layers: tuple[Layer, ...] = ()

    @property
    def label(self) -> str:
        return LABELS[self.name]

    @property
    def took(self) -> timedelta | None:
        """How long it took, where it has ended."""
        return self.ended_at - self.began_at if self.began_at and self.ended_at else None


@dataclass(slots=True)
class _Begun:
    name: str
    at: datetime
    said: list[str]


def steps_of(operation: Operation, lines: Iterable[tuple[str, str]]) -> tuple[Step, ...]:
    """Return the steps of an operation; `lines` is its output, (time, text) of each line."""
    lines = list(lines)
    plan = _PLANS[operation.kind]
    if operation.kind is OperationKind.RECONFIGURE and not operation.launches:
        plan = ("write",)
    if lines and lines[0][1].startswith(BACK):
        plan = ("back", *plan)
    begun = _begun(operation, plan, lines)
    steps = [_step(operation, begun, place, plan) for place in range(len(begun))]
    undone = [each for each in steps if each.name in _WAYS_BACK and each.name not in plan]
    reached = {each.name: each for each in steps}
    last = max((plan.index(name) for name in reached if name in plan), default=-1)
    all_done = operation.state is OperationState.SUCCEEDED
    return (
        *(
            reached.get(name)
            or Step(name, StepState.SKIPPED if all_done or place < last else StepState.PENDING)
            for place, name in enumerate(plan)
        ),
        *undone,
    )


def _begun(
    operation: Operation, plan: Sequence[str], lines: Iterable[tuple[str, str]]
) -> list[_Begun]:
    """Return the steps that have begun, each with what was said in it. None begins twice."""
    begun = [_Begun(plan[0], operation.started_at, [])]
    for time, text in lines:
        at, name = _moment(time), _begins(text, plan, begun[-1].name)
        if at and name and _comes_after(begun[-1].name, name, plan):
            begun.append(_Begun(name, at, []))
        elif name is None:
            begun[-1].said.append(text)
    return begun


def _begins(text: str, plan: Sequence[str], current: str) -> str | None:
    """Return the step that a line begins; what takes down where that is not ahead undoes."""
    name = next((step for pattern, step in _BEGINNINGS if pattern.match(text)), None)
    if name == "back":
        return name
    if name in _TAKE_DOWN and current == "back":
        return None
    ahead = plan[plan.index(current) + 1 :] if current in plan else ()
    if name in _TAKE_DOWN and plan[0] not in _TAKE_DOWN and name not in ahead:
        return "undo"
    return name if name in plan else None


def _comes_after(current: str, name: str, plan: Sequence[str]) -> bool:
    if current in plan:
        return name not in plan or plan.index(name) > plan.index(current)
    return (current, name) == ("undo", "back")


def _step(operation: Operation, begun: Sequence[_Begun], place: int, plan: Sequence[str]) -> Step:
    this, rest = begun[place], begun[place + 1 :]
    words = [text for text in this.said if layer_in(text) is None]
    state = _state(operation, this, rest[0] if rest else None, plan)
    ended_at = rest[0].at if rest else operation.ended_at
    return Step(
        this.name,
        state,
        began_at=this.at,
        # A clock that was set back makes no time run backwards.
        ended_at=max(this.at, ended_at) if ended_at else None,
        detail=words[-1] if words and state is StepState.RUNNING else "",
        layers=layers_of(layer for text in this.said if (layer := layer_in(text))),
    )


def _state(
    operation: Operation, this: _Begun, following: _Begun | None, plan: Sequence[str]
) -> StepState:
    broken_off = StepState.CANCELLED if operation.cancelled_by else StepState.FAILED
    is_planned = this.name in plan
    if following:
        return StepState.DONE if following.name in plan or not is_planned else broken_off
    if operation.state is OperationState.RUNNING:
        return StepState.RUNNING
    if operation.state is OperationState.SUCCEEDED:
        return StepState.DONE
    if operation.state is OperationState.INTERRUPTED or operation.code == NOT_BACK:
        return StepState.FAILED
    return broken_off if is_planned else StepState.DONE


def _moment(text: str) -> datetime | None:
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else None
    return None
