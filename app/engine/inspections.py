"""Results of container inspections, kept while they are valid.

The engine sends an event for every change of a container. While events are followed, a container
is inspected once per run of the container, not for each snapshot. While events are not followed,
only values that never change are kept.
"""

import time
from collections.abc import Collection
from datetime import datetime

from app.core.snapshot import Container, Details
from app.core.status.uptime import fits

# The output of a health check changes without an event, so it is inspected again after this.
_UNHEALTHY_KEPT_SECONDS = 10.0

_Kept = tuple[Container, Details, float]


class Inspections:
    def __init__(self) -> None:
        self._following = False
        self._begun: set[str] = set()
        self._kept: dict[str, _Kept] = {}
        self._secrets: dict[str, tuple[str, ...]] = {}

    def drop(self, container_id: str) -> None:
        """Forget a container's inspection, because the container changed."""
        self._begun.discard(container_id)
        self._kept.pop(container_id, None)

    def set_following(self, following: bool) -> None:
        """Set whether events are followed from now on, and forget all inspections."""
        self._following = following
        self._begun.clear()
        self._kept.clear()

    def begin(self, container_id: str) -> None:
        """Begin an inspection: an event from now on makes its result outdated."""
        if self._following:
            self._begun.add(container_id)

    def keep(self, container: Container, details: Details) -> None:
        """Keep a result, unless the container changed during the inspection."""
        self._secrets[container.id] = details.secrets
        if container.id in self._begun:
            self._kept[container.id] = container, details, time.monotonic()

    def details_of(self, container: Container, now: datetime) -> Details | None:
        """Return a container's kept details if they fit the listed container."""
        kept = self._kept.get(container.id)
        return kept[1] if kept and _holds(container, now, *kept) else None

    def secrets_of(self, container_id: str) -> tuple[str, ...] | None:
        """Return the secrets in a container's environment, which never change."""
        return self._secrets.get(container_id)

    def keep_only(self, container_ids: Collection[str]) -> None:
        for known in (self._kept, self._secrets):
            for gone in known.keys() - container_ids:
                known.pop(gone, None)


def _holds(
    container: Container, now: datetime, before: Container, details: Details, inspected_at: float
) -> bool:
    # A new run's event may still be on its way, but the list already shows these differences.
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
