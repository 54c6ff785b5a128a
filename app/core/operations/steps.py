"""The steps that operations are made of."""

from enum import StrEnum


class Step(StrEnum):
    CHECK = "check"
    PULL = "pull"
    FOLDERS = "folders"
    CREATE = "create"
    START = "start"
    ANSWERS = "answers"
    READY = "ready"
    WRITE = "write"
    RESTART = "restart"
    STOP = "stop"
    LAST_WORDS = "words"
    REMOVE = "remove"
    MOVE = "move"
    COPY = "copy"
    BACK = "back"
    COMPARE = "compare"
    TOKEN = "token"  # noqa: S105 - a step
    REFUSED = "refused"
    UNDO = "undo"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Step.CHECK: "Check the file",
    Step.PULL: "Pull the image",
    Step.FOLDERS: "Prepare the folders",
    Step.CREATE: "Create the container",
    Step.START: "Start it",
    Step.ANSWERS: "It answers",
    Step.READY: "It is ready",
    Step.WRITE: "Write the file",
    Step.RESTART: "Restart it",
    Step.STOP: "Stop the container",
    Step.LAST_WORDS: "Keep its last words",
    Step.REMOVE: "Remove the container",
    Step.MOVE: "Move the folder",
    Step.COPY: "Copy the state",
    Step.BACK: "Roll back",
    Step.COMPARE: "Compare the tokens",
    Step.TOKEN: "Write the new token",
    Step.REFUSED: "The old token is refused",
    Step.UNDO: "Take down what was started",
}
TAKE_DOWN = (Step.STOP, Step.LAST_WORDS, Step.REMOVE)
PREPARE = (Step.CHECK, Step.PULL, Step.FOLDERS)
BRING_UP = (Step.CREATE, Step.START, Step.ANSWERS, Step.READY)
RECREATE = (*PREPARE, *TAKE_DOWN, *BRING_UP)
# Steps that follow a failed or cancelled step. No kind's plan contains these steps.
WAYS_BACK = (Step.UNDO, Step.BACK)
