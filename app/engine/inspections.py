"""Results of inspections, kept for as long as they hold.

Every change of a container is among the engine's events. While events are followed, a container
is inspected once for each of its runs, not for each snapshot. While they are not, only what
never changes is kept.
"""

import time
from collections.abc import Collection
from datetime import datetime

from app.core.snapshot import Container, Details
from app.core.status.uptime import fits

# The output of a health check changes without an event.
_UNHEALTHY_KEPT_SECONDS = 10.0

_Kept = tuple[Container, Details, float]


class Inspections:
    def __init__(self) -> None:
        self._following = False
        self._begun: set[str] = set()
        self._kept: dict[str, _Kept] = {}
        self._secrets: dict[str, tuple[str, ...]] = {}

    def drop(self, container_id: str) -> None:
        """Forget a container's inspection: something happened to it."""
        self._begun.discard(container_id)
        self._kept.pop(container_id, None)

    def set_following(self, following: bool) -> None:
        """Note whether events are followed from now on."""
        self._following = following
        self._begun.clear()
        self._kept.clear()

    def begin(self, container_id: str) -> None:
        """Note that a container is about to be inspected."""
        if self._following:
            self._begun.add(container_id)

    def keep(self, container: Container, details: Details) -> None:
        """Keep a result, unless something happened during the inspection."""
        self._secrets[container.id] = details.secrets
        if container.id in self._begun:
            self._kept[container.id] = container, details, time.monotonic()

    def details_of(self, container: Container, now: datetime) -> Details | None:
        """Return a container's details if they fit how it is listed now."""
        kept = self._kept.get(container.id)
        return kept[1] if kept and _holds(container, now, *kept) else None

    def secrets_of(self, container_id: str) -> tuple[str, ...] | None:
        """Return the secrets that a container was made with: they never change."""
        return self._secrets.get(container_id)

    def keep_only(self, container_ids: Collection[str]) -> None:
        for known in (self._kept, self._secrets):
            for gone in known.keys() - container_ids:
                known.pop(gone, None)


def _holds(
    container: Container, now: datetime, before: Container, details: Details, inspected_at: float
) -> bool:
    # The event of another run may still be on its way; the list shows these differences.
    if (container.state, container.health, container.exit_code) != (
        before.state,
        before.health,
        before.exit_code,
    ):
        return False
    if container.state == "restarting":
        return False
    if container.health == "unhealthy":
        return time.monotonic() - inspected_at < _UNHEALTHY_KEPT_SECONDS
    if container.state != "running" or details.started_at is None:
        return True
    return fits(now - details.started_at, container.status_text)
