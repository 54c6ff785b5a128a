"""Engine snapshots: all containers of all deployments, from one engine call for all pages."""

import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

from app.core.deadline import engine_deadline, seconds_left
from app.core.deployment import is_id
from app.core.errors import EngineError
from app.core.single_flight import DaemonThreads, SingleFlight
from app.core.snapshot import Container, EngineProblem, Snapshot
from app.engine.client import EngineClient, silent
from app.engine.container_answers import PROJECT
from app.engine.containers import list_containers
from app.engine.inspector import Inspector

_KEPT_SECONDS = 1.0
_LEARNED_AT_ONCE = 5
# Enough for the inspections of all containers on a full host that has just booted.
_TAKING_SECONDS = 10.0


class Snapshots:
    """One engine call serves a page, however many deployments it shows.

    `is_ours` says whether a project is one of our deployments: containers of other projects
    are never inspected. `is_within` says whether a path is in our deployments folder.
    """

    def __init__(
        self,
        client: EngineClient,
        inspector: Inspector,
        is_ours: Callable[[str], bool],
        is_within: Callable[[str], bool],
    ) -> None:
        self._client = client
        self._inspector = inspector
        self._is_ours = is_ours
        self._is_within = is_within
        # One thread at a time calls a silent engine; the server's shutdown does not wait for it.
        self._flights: SingleFlight[Snapshot] = SingleFlight(DaemonThreads("snapshot"))
        # The last snapshot that was taken, however old.
        self.latest: Snapshot | None = None
        # From `time.monotonic()`, which ignores changes of the clock.
        self._changed_at = time.monotonic()

    def outdate(self) -> None:
        """Use no earlier answer: something changed."""
        self._changed_at = time.monotonic()

    def current(self) -> Snapshot:
        """Return the last snapshot, however old; take a new snapshot after a known change."""
        if self.latest is None or self.latest.problem:
            return self.take()
        return self._get(float("inf"), self._changed_at)

    def take(self, not_before: datetime | None = None) -> Snapshot:
        """Return a snapshot that is at most a second old.

        `not_before` is the time of a change: an older answer is not used. The wait is limited to
        the timeout of one engine call; then the snapshot says that the engine is silent.
        """
        after = self._changed_at
        # An engine that has just failed is not called again within a second.
        if not_before and not (self.latest and self.latest.problem):
            age = (datetime.now(UTC) - not_before).total_seconds()
            after = max(after, time.monotonic() - age)
        return self._get(_KEPT_SECONDS, after)

    def learn_starts(self) -> None:
        """Find the exact start of some containers, because the list has only rounded ages.

        Call this in the background: no page waits for it.
        """
        latest = self.latest
        if latest is None or latest.problem:
            return
        ours = [each for each in latest.all if self._is_ours(each.project)]
        if self._inspector.learn_starts(ours, _LEARNED_AT_ONCE):
            self.outdate()

    def _get(self, seconds: float, after: float) -> Snapshot:
        timeout = seconds_left(self._client.timeout)
        try:
            return self._flights.get("", self._take, seconds=seconds, after=after, timeout=timeout)
        except TimeoutError:
            return Snapshot(datetime.now(UTC), problem=_problem(silent()))

    def _take(self) -> Snapshot:
        with engine_deadline(_TAKING_SECONDS):
            self.latest = self._taken()
        return self.latest

    def _taken(self) -> Snapshot:
        taken_at = datetime.now(UTC)
        try:
            found = list_containers(self._client, {"label": [PROJECT]})
            self._inspector.keep_only(found)
            projects: dict[str, list[Container]] = defaultdict(list)
            for container in found:
                # An orphan's project looks like an id, or was started in our deployments folder.
                if is_id(container.project) or self._is_within(container.working_dir):
                    projects[container.project].append(self._detailed(container, taken_at))
        except EngineError as error:
            return Snapshot(taken_at, problem=_problem(error))
        return Snapshot(taken_at, {key: tuple(value) for key, value in projects.items()})

    def _detailed(self, container: Container, now: datetime) -> Container:
        if self._is_ours(container.project):
            return self._inspector.detailed(container, now)
        return self._inspector.known(container, now)


def _problem(error: EngineError) -> EngineProblem:
    return EngineProblem(error.code, error.detail.partition(". ")[0].rstrip("."))
