"""Run the readiness checks, for every running gateway periodically, and on demand.

Docker reports a container as healthy even if its gateway refuses the token, or hangs behind a
port that still accepts connections. The checks don't call the engine, and no page waits for them.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import uniform

from cachetools import LRUCache

from app.core.deployment import Deployment
from app.core.single_flight import DaemonThreads, SingleFlight
from app.core.snapshot import Container
from app.core.status.readiness import (
    LOCKED_OUT,
    Readiness,
    ReadinessCheck,
    decisive_failure,
    first_failed,
)
from app.engine.gateway.checks import run_checks

_log = logging.getLogger("deploy_agent")

_THREADS = 16
_MOST_GATEWAYS = 4096
_ROUND_SECONDS = 1.0
# A frozen gateway is found within 15 s: a pause, a round, a failed short run, a wait, and a
# failed full run.
_PAUSE_SECONDS, _SHORT_RUN_SECONDS, _RETRY_SECONDS = 5.0, 2.0, 1.0
# Between two full runs, short runs check only the port and /healthz.
_FULL_RUN_SECONDS = 9.0
_STARTING_SECONDS = 2.0
# Ten refused tokens within a minute lock this host out of a gateway for five.
_REFUSED_SECONDS, _LOCKED_OUT_SECONDS = 60.0, 300.0
# The latest results stay valid this long after the next run was due.
_KEPT_SECONDS = 30.0

Running = Sequence[tuple[Deployment, Container]]


@dataclass(frozen=True, slots=True)
class _Subject:
    """The state that results apply to. Results of another run, port or token are not used, nor are
    results from before or during an operation."""

    container_id: str
    started_at: datetime | None
    port: int | None
    token: int
    operation: tuple[int, datetime | None] | None

    @classmethod
    def of(cls, deployment: Deployment, gateway: Container) -> "_Subject":
        return cls(gateway.id, gateway.runs_since, *_wanted_of(deployment))

    def fits(self, deployment: Deployment) -> bool:
        return (self.port, self.token, self.operation) == _wanted_of(deployment)


def _wanted_of(
    deployment: Deployment,
) -> tuple[int | None, int, tuple[int, datetime | None] | None]:
    latest = deployment.operation
    operation = (latest.number, latest.ended_at) if latest else None
    return deployment.port, hash(deployment.token), operation


@dataclass(slots=True)
class _Results:
    """The results for one subject. Times are from `time.monotonic()`."""

    subject: _Subject
    checks: list[ReadinessCheck] | None = None
    fresh_until: float = float("-inf")
    readiness: Readiness | None = None
    fully_checked_at: float = float("-inf")
    due_at: float = 0.0
    # Somebody is looking at the checks: the next run is a full run, and its end is announced.
    is_watched: bool = False


class ReadinessChecker:
    """`running` returns the running gateways, or None if they are unknown.

    `changed` is called when results differ; `grace` is the time that a launch may take.
    """

    def __init__(
        self, running: Callable[[], Running | None], changed: Callable[[], None], grace: timedelta
    ) -> None:
        self._running = running
        self._changed = changed
        self._grace = grace
        self._results: LRUCache[str, _Results] = LRUCache(_MOST_GATEWAYS)
        self._lock = threading.Lock()
        self._runs: SingleFlight[None] = SingleFlight(DaemonThreads("readiness", _THREADS))
        self._ending = threading.Event()

    def start(self) -> None:
        """Check running gateways periodically, until the process ends or `stop` is called."""
        threading.Thread(target=self._go_round, name="readiness rounds", daemon=True).start()

    def stop(self) -> None:
        self._ending.set()

    def readiness_of(self, deployment: Deployment) -> Readiness | None:
        """Return a deployment's readiness; None without results for its current state."""
        with self._lock:
            results = self._results.get(deployment.id)
        if results is None or deployment.running_operation or not results.subject.fits(deployment):
            return None
        return results.readiness if time.monotonic() < results.due_at + _KEPT_SECONDS else None

    def checks_of(
        self, deployment: Deployment, gateway: Container, patience: float = 0.0
    ) -> list[ReadinessCheck] | None:
        """Return the latest results, None before the first. Begin a new run if the results are old.

        Wait up to `patience` seconds for the new run.
        """
        if deployment.port is None:
            return None
        results = self._results_of(deployment, gateway)
        until = time.monotonic() + patience
        # The first wait may join a short run that was already under way.
        for _ in range(2 if patience else 1):
            if time.monotonic() < results.fresh_until:
                break
            results.is_watched = True
            wait((self._begin(results, deployment, gateway),), max(0.0, until - time.monotonic()))
        return results.checks

    def check_now(self, deployment: Deployment, gateway: Container) -> list[ReadinessCheck]:
        """Run the checks in this thread, for a caller that needs the results once."""
        results = self._results_of(deployment, gateway)
        results.is_watched = True
        self._run(results, deployment, gateway)
        results.is_watched = False
        return results.checks or []

    def _go_round(self) -> None:
        while not self._ending.wait(_ROUND_SECONDS):
            try:
                self._begin_due()
            except Exception:  # noqa: BLE001 - the thread must go on
                _log.exception("readiness checks could not be started")

    def _begin_due(self) -> None:
        for deployment, gateway in self._running() or ():
            results = self._results_of(deployment, gateway)
            if time.monotonic() >= results.due_at:
                self._begin(results, deployment, gateway)

    def _results_of(self, deployment: Deployment, gateway: Container) -> _Results:
        subject = _Subject.of(deployment, gateway)
        with self._lock:
            results = self._results.get(deployment.id)
            if results is None or results.subject != subject:
                results = self._results[deployment.id] = _Results(subject)
            return results

    def _begin(self, results: _Results, deployment: Deployment, gateway: Container) -> Future[None]:
        return self._runs.begin(
            results.subject, lambda: self._run_and_announce(results, deployment, gateway)
        )

    def _run_and_announce(
        self, results: _Results, deployment: Deployment, gateway: Container
    ) -> None:
        before = results.readiness
        try:
            self._run(results, deployment, gateway)
        except Exception:  # noqa: BLE001 - the other gateways must still be checked
            _log.exception("the readiness of %s could not be checked", deployment.id)
            results.due_at = time.monotonic() + _PAUSE_SECONDS
        was_watched, results.is_watched = results.is_watched, False
        if was_watched or results.readiness != before:
            self._changed()

    def _run(self, results: _Results, deployment: Deployment, gateway: Container) -> None:
        """Run the checks. Repeat them after a failure, which may come from a busy moment."""
        assert deployment.port is not None, "called only if the port is known"
        publishes = gateway.publishes(deployment.port)
        before = results.readiness
        is_failing = before is not None and before.failed_check is not None
        checks: list[ReadinessCheck] = []
        if not is_failing:
            checks = run_checks(deployment, gateway, _SHORT_RUN_SECONDS, up_to="healthz")
        if not decisive_failure(checks, publishes) and (is_failing or _needs_full_run(results)):
            checks = run_checks(deployment, gateway)
        if decisive_failure(checks, publishes) and not is_failing:
            _keep(results, checks)
            self._ending.wait(_RETRY_SECONDS)
            checks = run_checks(deployment, gateway)
        _keep(results, checks)
        failed_check = decisive_failure(checks, publishes)
        has_passed = (_is_full(checks) and failed_check is None) or (
            before is not None and before.has_passed
        )
        results.readiness = Readiness(
            gateway.id, gateway.runs_since, failed_check, has_passed, self._grace
        )
        results.due_at = time.monotonic() + self._pause(results.readiness)

    def _pause(self, readiness: Readiness) -> float:
        if pause := _pause_after(readiness.failed_check):
            return pause
        began = readiness.started_at
        if began and not readiness.has_passed and datetime.now(UTC) - began < self._grace:
            return _STARTING_SECONDS
        # Random, so that not all gateways are checked at the same moment.
        return uniform(0.8, 1.0) * _PAUSE_SECONDS  # noqa: S311


def _needs_full_run(results: _Results) -> bool:
    return results.is_watched or (time.monotonic() - results.fully_checked_at >= _FULL_RUN_SECONDS)


def _is_full(checks: Sequence[ReadinessCheck]) -> bool:
    return checks[-1].name == "token"


def _keep(results: _Results, checks: list[ReadinessCheck]) -> None:
    """Keep results for the page; a passed short run shows nothing new."""
    now, failed_check = time.monotonic(), first_failed(checks)
    if _is_full(checks):
        results.fully_checked_at = now
    if _is_full(checks) or failed_check:
        results.checks = checks
        results.fresh_until = now + (_pause_after(failed_check) or _PAUSE_SECONDS)


def _pause_after(failed_check: ReadinessCheck | None) -> float | None:
    """Return how long not to check a gateway that refused the token; None for other results."""
    if failed_check is None or not failed_check.hopeless:
        return None
    return _LOCKED_OUT_SECONDS if failed_check.code == LOCKED_OUT else _REFUSED_SECONDS
