"""What the engine knows of containers: the snapshot, one project, logs, published ports."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from docker.errors import NotFound

from app.core.deadline import engine_deadline, seconds_left
from app.core.deployment import is_id
from app.core.errors import EngineError, EngineRefused
from app.core.history.container_events import ContainerEvent
from app.core.snapshot import Container, Ended, EngineProblem, Snapshot
from app.core.status.uptime import fits
from app.engine.answers import lines_of, rows_of, text, texts
from app.engine.client import EngineClient, Parameters, ask, silent
from app.engine.container_answers import (
    PROJECT,
    container_in,
    description_in,
    details_in,
    environment_in,
    last_end_in,
)
from app.engine.inspections import Inspections

_KEPT_SECONDS = 1.0
_LEARNED_AT_ONCE = 5
# With all inspections of a full host that has just booted.
_TAKING_SECONDS = 10.0


class Containers:
    """Reads through one kept connection. A page costs one call, however many deployments.

    `is_ours` tells whether a project is one of our deployments: others' containers
    are never inspected. `is_within` tells whether a path is in our deployments folder.
    """

    def __init__(
        self,
        client: EngineClient,
        is_ours: Callable[[str], bool],
        is_within: Callable[[str], bool],
    ) -> None:
        self._client = client
        self._is_ours = is_ours
        self._is_within = is_within
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._taking: Future[None] | None = None
        # By a clock that nobody sets.
        self._begun = self._taken = self._changed = 0.0
        self._starts: dict[str, datetime] = {}
        self._ends: dict[str, Ended] = {}
        self._inspections = Inspections()

    @property
    def latest(self) -> Snapshot | None:
        """The last snapshot that was taken, however old."""
        return self._snapshot

    def changed(self) -> None:
        """Let nobody use what the engine said before now: something changed since."""
        self._changed = time.monotonic()

    def heard(self, event: ContainerEvent) -> None:
        """Be told of an event, before it is told that something changed."""
        self._inspections.heard(event.container_id)

    def follow(self, following: bool) -> None:
        """Be told whether events are heard from now on."""
        self._inspections.follow(following)

    def current(self) -> Snapshot:
        """Return the last snapshot, however old, as long as nothing is known to have changed."""
        kept = self._snapshot
        holds = kept and not kept.problem and self._begun >= self._changed
        return kept if kept and holds else self.snapshot()

    def snapshot(self, not_before: datetime | None = None) -> Snapshot:
        """Return what the engine says of all deployments, at most a second old.

        Whoever comes while one is being taken gets that one, so that a silent engine is
        asked once at a time, by one thread, and nobody waits for it longer than one call
        may take. `not_before` is when something is known to have changed: an older answer
        is not used.
        """
        came = time.monotonic()
        patience = came + seconds_left(self._client.timeout)
        while True:
            with self._lock:
                kept = self._snapshot
                if kept and self._still_holds(kept, came, not_before):
                    return kept
                taking = self._taking = self._taking or self._begin()
            try:
                taking.result(max(patience - time.monotonic(), 0.0))
            except TimeoutError:
                return Snapshot(datetime.now(UTC), problem=_problem(silent()))

    def _still_holds(self, kept: Snapshot, came: float, not_before: datetime | None) -> bool:
        if self._begun >= came:
            return True
        if time.monotonic() - self._taken >= _KEPT_SECONDS or self._begun < self._changed:
            return False
        return bool(kept.problem) or not_before is None or kept.taken_at >= not_before

    def _begin(self) -> Future[None]:
        taking: Future[None] = Future()
        # A daemon: the server's end does not wait for the engine.
        threading.Thread(
            target=self._take_for_all, args=(taking,), name="snapshot", daemon=True
        ).start()
        return taking

    def _take_for_all(self, taking: Future[None]) -> None:
        begun = time.monotonic()
        try:
            with engine_deadline(_TAKING_SECONDS):
                taken = self._take()
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            with self._lock:
                self._taking = None
            taking.set_exception(error)
            return
        with self._lock:
            self._snapshot, self._begun, self._taken = taken, begun, time.monotonic()
            self._taking = None
        taking.set_result(None)

    def _take(self) -> Snapshot:
        taken_at = datetime.now(UTC)
        try:
            found = self._list({"label": [PROJECT]})
            self._inspections.forget_all_but({each.id for each in found})
            projects: dict[str, list[Container]] = defaultdict(list)
            for container in found:
                # What is stranded has a name like an id, or was started in a folder of ours.
                if is_id(container.project) or self._is_within(container.working_dir):
                    projects[container.project].append(self._detailed(container, taken_at))
        except EngineError as error:
            return Snapshot(taken_at, problem=_problem(error))
        return Snapshot(taken_at, {key: tuple(value) for key, value in projects.items()})

    def of(self, deployment_id: str) -> tuple[Container, ...]:
        """Return one project's containers, all inspected, as of now. Raises EngineError."""
        found = self._list({"label": [f"{PROJECT}={deployment_id}"]})
        return tuple(self._inspected(container) for container in found)

    def publishers(self) -> dict[int, str]:
        """Return who publishes which port on this host, by container name. Raises EngineError."""
        return {
            published.port: container.name
            for container in self._list({})
            for published in container.ports
        }

    def logs(self, container_id: str, tail: int, since: int | None = None) -> bytes:
        """Return the last lines, each after its time (RFC 3339), both streams in order.

        Empty where the container is gone meanwhile. Raises EngineError.
        """
        # The engine takes no time at or before 1970.
        since = since if since and since > 0 else None
        try:
            with self._client.calls() as client:
                return client.logs(container_id, tail=tail, timestamps=True, since=since)
        except NotFound:
            return b""

    def secrets_of(self, container: Container) -> tuple[str, ...]:
        """Return the secrets of a container's own environment: `.env` may differ by now.

        Raises EngineError.
        """
        known = self._inspections.secrets_of(container.id)
        if known is not None:
            return known
        details = container.details or self._inspected(container).details
        return details.secrets if details else ()

    def environment_of(self, container: Container) -> dict[str, str]:
        """Return the variables that a container was made with, secrets too; none once it is gone.

        Raises EngineError.
        """
        try:
            with self._client.calls() as client:
                return environment_in(client.inspect_container(container.id))
        except NotFound:
            return {}

    def description(self, container_id: str) -> dict[str, Any]:
        """Return of what `inspect` says what helps to understand an end; no value of a variable.

        Empty where the container is gone. Raises EngineError.
        """
        try:
            with self._client.calls() as client:
                return description_in(client.inspect_container(container_id))
        except NotFound:
            return {}

    def engine_version(self) -> dict[str, Any]:
        """Return what the engine says of itself. Raises EngineError."""
        with self._client.calls() as client:
            said = client.version(api_version=False)
        names = ("Version", "ApiVersion", "Os", "Arch", "KernelVersion")
        return {name: said.get(name) for name in names}

    def last_end(self, container_id: str, since: datetime) -> Ended | None:
        """Return how a container ended last, also where it runs again since.

        A restarted container's own exit code is 0 again, and its memory was not used up;
        the engine's events still have it. Raises EngineError.
        """
        parameters: Parameters = {
            "since": f"{since.timestamp():.6f}",
            "until": f"{time.time():.6f}",
            "filters": json.dumps({"container": [container_id], "event": ["start", "oom", "die"]}),
        }
        with self._client.calls() as client:
            # Docker's own call for events has no time limit.
            answer = ask(client, "/events", parameters)
            return last_end_in(lines_of(answer.text))

    def image_id(self, reference: str) -> str | None:
        """Return an image's id, or None where this host has none. Raises EngineError."""
        try:
            with self._client.calls() as client:
                image = client.inspect_image(reference)  # type: ignore[no-untyped-call]
        except NotFound:
            return None
        return text(image, "Id") or None

    def image_names(self) -> list[str]:
        """Return the names of the images that this host has. Raises EngineError."""
        with self._client.calls() as client:
            images = rows_of(client.images())
        return sorted(name for image in images for name in texts(image, "RepoTags"))

    def _list(self, filters: dict[str, list[str]]) -> list[Container]:
        with self._client.calls() as client:
            found = map(container_in, rows_of(client.containers(all=True, filters=filters)))
            # Without an id it can't be asked for, and is none.
            return [each for each in found if each.id]

    def learn_starts(self) -> None:
        """Ask for the exact start of containers of which the list has only round words.

        A few at a time, beside the pages: none waits for it.
        """
        kept = self._snapshot
        if kept is None or kept.problem:
            return
        running = [each for each in kept.all if each.state == "running"]
        for gone in self._starts.keys() - {each.id for each in running}:
            self._starts.pop(gone, None)
        for gone in self._ends.keys() - {each.id for each in kept.all}:
            self._ends.pop(gone, None)
        unknown = [each for each in running if not each.details and not each.started_at]
        known = len(self._starts)
        with suppress(EngineError):
            for container in unknown[:_LEARNED_AT_ONCE]:
                if self._is_ours(container.project):
                    self._inspected(container)
        if len(self._starts) > known:
            self.changed()

    def _detailed(self, container: Container, now: datetime) -> Container:
        detailed = self._with_details(container, now)
        if detailed.state == "restarting" and detailed.last_end:
            self._ends[detailed.id] = detailed.last_end
        ended_before = self._ends.get(detailed.id)
        return replace(detailed, ended_before=ended_before) if ended_before else detailed

    def _with_details(self, container: Container, now: datetime) -> Container:
        if container.needs_inspection and self._is_ours(container.project):
            known = self._inspections.details_of(container, now)
            return replace(container, details=known) if known else self._inspected(container)
        started_at = self._starts.get(container.id)
        # Another start of it may have been missed: then the words are of another age.
        if started_at and fits(now - started_at, container.status_text):
            return replace(container, started_at=started_at)
        return container

    def _inspected(self, container: Container) -> Container:
        self._inspections.asking(container.id)
        try:
            with self._client.calls() as client:
                inspected = client.inspect_container(container.id)
        except (NotFound, EngineRefused):
            # One that is gone, or that the engine can't tell of, hides none of the others.
            return container
        details = details_in(inspected)
        self._inspections.told(container, details)
        if details.started_at:
            self._starts[container.id] = details.started_at
        return replace(container, details=details)


def _problem(error: EngineError) -> EngineProblem:
    return EngineProblem(error.code, error.detail.partition(". ")[0].rstrip("."))
