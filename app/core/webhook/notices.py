"""Notices: what is told to people who look at no page, and its words."""

from dataclasses import dataclass
from enum import StrEnum

from app.core.records import AwareDatetime


class Event(StrEnum):
    CRASHED = "crashed"
    CRASH_LOOP = "crash_loop"
    UNHEALTHY = "unhealthy"
    OPERATION_FAILED = "operation_failed"
    RECOVERED = "recovered"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. `incident` is the number of the history's entry that it is of."""

    event: Event
    deployment_id: str
    incident: int
    at: AwareDatetime
    reason: str

    @property
    def id(self) -> str:
        """The same however often it is sent, so that whoever gets it twice can tell."""
        seconds = int(self.at.timestamp())
        return f"{self.deployment_id or '-'}/{self.incident}/{self.event}/{seconds}"


def sentence(notice: Notice, name: str) -> str:
    """Return a notice as people read it."""
    who = f"{name} ({notice.deployment_id})" if name else notice.deployment_id
    return f"{who}{_SENTENCES[notice.event]}: {notice.reason}".strip()


_SENTENCES = {
    Event.CRASHED: " crashed",
    Event.CRASH_LOOP: " crashes again and again",
    Event.UNHEALTHY: " is not healthy",
    Event.OPERATION_FAILED: "",
    Event.RECOVERED: " is well again",
    Event.TEST: "Deploy Agent",
}
