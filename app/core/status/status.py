"""The status of a deployment, with the reason for it. A status is derived, never stored."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.core.time_words import Elapsed, SentencePart, TimeAgo, spell


class Status(StrEnum):
    CONFIGURED = "configured"
    LAUNCHING = "launching"
    RUNNING = "running"
    UNHEALTHY = "unhealthy"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INVALID = "invalid"

    @property
    def moving(self) -> bool:
        return self in (Status.LAUNCHING, Status.STOPPING, Status.RESTARTING)

    @property
    def is_bad(self) -> bool:
        """Return whether somebody has to act."""
        return self in (Status.FAILED, Status.INVALID, Status.RESTARTING, Status.UNHEALTHY)

    @property
    def reachable(self) -> bool:
        """Return whether the gateway's own page may open."""
        return self in (Status.RUNNING, Status.UNHEALTHY)

    @property
    def up(self) -> bool:
        """Return whether a container may hold the port."""
        return self in (Status.RUNNING, Status.UNHEALTHY, Status.RESTARTING, Status.LAUNCHING)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A status and its reason. `reason_parts` are texts and times; `now` is the status time."""

    status: Status
    reason_parts: tuple[SentencePart, ...]
    now: datetime

    @property
    def reason(self) -> str:
        return spell(self.reason_parts, self.now)

    @property
    def since(self) -> datetime | None:
        """The time given in the reason, or None."""
        return next(
            (each.moment for each in self.reason_parts if isinstance(each, TimeAgo | Elapsed)), None
        )


@dataclass(frozen=True, slots=True)
class LastStatus:
    """The latest status known while the engine answered."""

    status: Status
    at: datetime
