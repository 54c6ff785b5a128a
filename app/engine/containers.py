"""Current facts of single containers: a project's containers, their logs, and how they ended."""

import json
import time
from datetime import datetime
from typing import Any

from docker.errors import NotFound

from app.core.snapshot import Container, PreviousExit
from app.engine.answers import Row, lines_of, rows_of
from app.engine.client import EngineClient, Parameters, ask
from app.engine.container_answers import (
    PROJECT,
    container_in,
    description_in,
    environment_in,
    last_exit_in,
)
from app.engine.inspector import Inspector


def list_containers(client: EngineClient, filters: dict[str, list[str]]) -> list[Container]:
    """Return all containers that match the filters, running or not. Raises EngineError."""
    with client.calls() as engine:
        found = map(container_in, rows_of(engine.containers(all=True, filters=filters)))
        # Skip containers without an id: no other call could name them.
        return [each for each in found if each.id]


class Containers:
    def __init__(self, client: EngineClient, inspector: Inspector) -> None:
        self._client = client
        self._inspector = inspector

    def of(self, deployment_id: str) -> tuple[Container, ...]:
        """Return one project's current containers, all inspected. Raises EngineError."""
        found = list_containers(self._client, {"label": [f"{PROJECT}={deployment_id}"]})
        return tuple(self._inspector.inspect(container) for container in found)

    def publishers(self) -> dict[int, str]:
        """Return the name of the container that publishes each port. Raises EngineError."""
        return {
            published.port: container.name
            for container in list_containers(self._client, {})
            for published in container.ports
        }

    def logs(self, container_id: str, tail: int, since: int | None = None) -> bytes:
        """Return the last lines of both streams in order; each begins with its time (RFC 3339).

        Empty if the container is gone. Raises EngineError.
        """
        # The engine refuses times at or before 1970.
        since = since if since and since > 0 else None
        try:
            with self._client.calls() as client:
                return client.logs(container_id, tail=tail, timestamps=True, since=since)
        except NotFound:
            return b""

    def secrets_of(self, container: Container) -> tuple[str, ...]:
        """Return the secrets of a container's own environment. Raises EngineError."""
        return self._inspector.secrets_of(container)

    def environment_of(self, container: Container) -> dict[str, str]:
        """Return a container's environment, including secrets; empty if the container is gone.

        Raises EngineError.
        """
        return environment_in(self._inspected(container.id))

    def description(self, container_id: str) -> dict[str, Any]:
        """Return the parts of `inspect` that help to explain an end, without environment values.

        Empty if the container is gone. Raises EngineError.
        """
        inspected = self._inspected(container_id)
        return description_in(inspected) if inspected else {}

    def _inspected(self, container_id: str) -> Row:
        try:
            with self._client.calls() as client:
                inspected: Row = client.inspect_container(container_id)
                return inspected
        except NotFound:
            return {}

    def last_exit(self, container_id: str, since: datetime) -> PreviousExit | None:
        """Return how a container ended last, even if it runs again. Raises EngineError.

        A restarted container has the exit code 0 and no out-of-memory flag; the engine's events
        still have the values of the end.
        """
        parameters: Parameters = {
            "since": f"{since.timestamp():.6f}",
            "until": f"{time.time():.6f}",
            "filters": json.dumps({"container": [container_id], "event": ["start", "oom", "die"]}),
        }
        with self._client.calls() as client:
            # Docker's client has no time limit for its call of events.
            answer = ask(client, "/events", parameters)
            return last_exit_in(lines_of(answer.text))
