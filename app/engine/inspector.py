"""Inspect single containers, and remember facts that the list of containers lacks."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from docker.errors import NotFound

from app.core.errors import EngineError, EngineRefused
from app.core.snapshot import Container, PreviousExit
from app.core.status.uptime import fits
from app.engine.client import EngineClient
from app.engine.container_answers import details_in
from app.engine.inspections import Inspections


class Inspector:
    """Keeps `inspections` while they are valid, and starts and last ends of containers longer."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self.inspections = Inspections()
        self._starts: dict[str, datetime] = {}
        self._last_ends: dict[str, PreviousExit] = {}

    def inspect(self, container: Container) -> Container:
        """Return a container with its current details. Raises EngineError."""
        self.inspections.begin(container.id)
        try:
            with self._client.calls() as client:
                inspected = client.inspect_container(container.id)
        except (NotFound, EngineRefused):
            # A container that is gone or that the engine can't describe hides no others.
            return container
        details = details_in(inspected)
        self.inspections.keep(container, details)
        if details.started_at:
            self._starts[container.id] = details.started_at
        return replace(container, details=details)

    def detailed(self, container: Container, now: datetime) -> Container:
        """Return a listed container with all facts that its status needs. Raises EngineError."""
        if not container.needs_inspection:
            return self.known(container, now)
        details = self.inspections.details_of(container, now)
        return self._with_last_end(
            replace(container, details=details) if details else self.inspect(container)
        )

    def known(self, container: Container, now: datetime) -> Container:
        """Return a listed container with the facts known from earlier calls."""
        started_at = self._starts.get(container.id)
        # If a restart event was missed, the uptime in the container list does not fit the known
        # start.
        if started_at and fits(now - started_at, container.status_text):
            container = replace(container, started_at=started_at)
        return self._with_last_end(container)

    def secrets_of(self, container: Container) -> tuple[str, ...]:
        """Return the secrets of a container's own environment: `.env` may differ by now.

        Raises EngineError.
        """
        known = self.inspections.secrets_of(container.id)
        if known is not None:
            return known
        details = container.details or self.inspect(container).details
        return details.secrets if details else ()

    def learn_starts(self, containers: Iterable[Container], most: int) -> bool:
        """Inspect at most `most` running containers whose start is unknown. Return whether a start
        was found."""
        unknown = [
            each
            for each in containers
            if each.state == "running" and not each.details and not each.started_at
        ]
        has_learned = False
        with suppress(EngineError):
            for container in unknown[:most]:
                has_learned |= self.inspect(container).runs_since is not None
        return has_learned

    def keep_only(self, containers: Sequence[Container]) -> None:
        """Forget containers that are gone, and starts of containers that no longer run."""
        ids = {each.id for each in containers}
        running = {each.id for each in containers if each.state == "running"}
        self.inspections.keep_only(ids)
        for gone in self._starts.keys() - running:
            self._starts.pop(gone, None)
        for gone in self._last_ends.keys() - ids:
            self._last_ends.pop(gone, None)

    def _with_last_end(self, container: Container) -> Container:
        if container.state == "restarting" and container.last_exit:
            self._last_ends[container.id] = container.last_exit
        last_exit = self._last_ends.get(container.id)
        return replace(container, previous_exit=last_exit) if last_exit else container
