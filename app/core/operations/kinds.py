"""The kinds of operations."""

from enum import StrEnum


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
# Those that can be left half done: what was started is taken down, or goes back.
CANCELLABLE = (*LAUNCHES, OperationKind.RECONFIGURE)
