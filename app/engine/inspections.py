"""What inspecting containers told, kept for as long as it holds.

Whatever changes a container is among the engine's events, so while these are heard a
container is inspected once for each of its runs, not at each look. While they are not,
nothing is kept but what never changes.
"""

import time
from collections.abc import Collection
from datetime import datetime

from app.core.snapshot import Container, Details
from app.core.status.uptime import fits

# What a health check says changes without an event.
_UNHEALTHY_KEPT_SECONDS = 10.0

_Kept = tuple[Container, Details, float]


class Inspections:
    def __init__(self) -> None:
        self._following = False
        self._asked: set[str] = set()
        self._kept: dict[str, _Kept] = {}
        self._secrets: dict[str, tuple[str, ...]] = {}

    def heard(self, container_id: str) -> None:
        """Be told that something happened to a container, before anybody asks again."""
        self._asked.discard(container_id)
        self._kept.pop(container_id, None)

    def follow(self, following: bool) -> None:
        """Be told that events are heard from now on, or that they are not."""
        self._following = following
        self._asked.clear()
        self._kept.clear()

    def asking(self, container_id: str) -> None:
        """Be told that a container is about to be inspected."""
        if self._following:
            self._asked.add(container_id)

    def told(self, container: Container, details: Details) -> None:
        """Keep what was told, unless something happened while it was asked for."""
        self._secrets[container.id] = details.secrets
        if container.id in self._asked:
            self._kept[container.id] = container, details, time.monotonic()

    def details_of(self, container: Container, now: datetime) -> Details | None:
        """Return what is known of a container as it is listed now."""
        kept = self._kept.get(container.id)
        return kept[1] if kept and _holds(container, now, *kept) else None

    def secrets_of(self, container_id: str) -> tuple[str, ...] | None:
        """Return the secrets that a container was made with, which stay the same."""
        return self._secrets.get(container_id)

    def forget_all_but(self, container_ids: Collection[str]) -> None:
        for known in (self._kept, self._secrets):
            for gone in known.keys() - container_ids:
                known.pop(gone, None)


def _holds(
    container: Container, now: datetime, before: Container, details: Details, at: float
) -> bool:
    # Its event may come in a moment: so much the list itself tells of another run.
    if (container.state, container.health, container.exit_code) != (
        before.state,
        before.health,
        before.exit_code,
    ):
        return False
    if container.state == "restarting":
        return False
    if container.health == "unhealthy":
        return time.monotonic() - at < _UNHEALTHY_KEPT_SECONDS
    if container.state != "running" or details.started_at is None:
        return True
    return fits(now - details.started_at, container.status_text)
