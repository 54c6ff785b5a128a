"""Rounds: every gateway that is up is climbed to again and again, whoever looks or does not.

Docker believes a container whose gateway refuses its token, or is frozen behind a port that
still accepts. A climb asks the engine nothing, and no page waits for one.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import uniform

from app.core.deployment import Deployment
from app.core.snapshot import Container
from app.core.status.readiness import LOCKED_OUT, Readiness, ReadinessCheck, decisive_failure
from app.engine.gateway.probe import run_checks

_log = logging.getLogger("deploy_agent")

_AT_ONCE = 16
_ROUND_SECONDS = 1.0
# What freezes is seen within 15 s: a pause, a glance that fails, a wait, and a climb that does.
_PAUSE_SECONDS, _GLANCE_SECONDS, _WAIT_SECONDS = 5.0, 2.0, 1.0
# Between two climbs to the top a gateway only has to say that it lives.
_WHOLE_SECONDS = 9.0
_STARTING_SECONDS = 2.0
# Ten refused tokens within a minute lock this host out of a gateway for five.
_REFUSED_SECONDS, _LOCKED_OUT_SECONDS = 60.0, 300.0
# For so long beyond its next climb the latest one counts.
_KEPT_SECONDS = 30.0

Running = Sequence[tuple[Deployment, Container]]


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a climb is about: with another run, port or token it is another one."""

    container_id: str
    started_at: datetime | None
    port: int | None
    token: int

    @classmethod
    def of(cls, deployment: Deployment, gateway: Container) -> "_Subject":
        return cls(gateway.id, gateway.runs_since, deployment.port, hash(deployment.token))

    def fits(self, deployment: Deployment) -> bool:
        return (self.port, self.token) == (deployment.port, hash(deployment.token))


@dataclass(slots=True)
class _Known:
    """The latest climb of a subject, and when the next is due; times of a clock nobody sets."""

    subject: _Subject
    climb: Readiness | None = None
    due: float = 0.0
    at_the_top: float = float("-inf")


class Rounds:
    """The latest climb of each gateway that is up.

    `running` tells which those are, or None where nobody can say; `grace` is the time that
    a launch may take.
    """

    def __init__(
        self, running: Callable[[], Running | None], changed: Callable[[], None], grace: timedelta
    ) -> None:
        self._running = running
        self._changed = changed
        self._grace = grace
        self._known: dict[str, _Known] = {}
        self._free = threading.Semaphore(_AT_ONCE)
        self._ending = threading.Event()

    def start(self) -> None:
        """Begin to go round; it ends with the process."""
        threading.Thread(target=self._run, name="rounds", daemon=True).start()

    def stop(self) -> None:
        self._ending.set()

    def climb_of(self, deployment: Deployment) -> Readiness | None:
        """Return the latest climb with the port and token that a deployment has now."""
        known = self._known.get(deployment.id)
        if known is None or not known.subject.fits(deployment):
            return None
        return known.climb if time.monotonic() < known.due + _KEPT_SECONDS else None

    def climb(self, deployment: Deployment, gateway: Container) -> list[ReadinessCheck]:
        """Readiness now, for who asks once with nobody going round, and return the rungs."""
        known = self._known_of(deployment, gateway)
        self._known = {**self._known, deployment.id: known}
        return self._climb(known, deployment, gateway)

    def _run(self) -> None:
        while not self._ending.wait(_ROUND_SECONDS):
            try:
                self._go_round()
            except Exception:  # noqa: BLE001 - the thread must go on
                _log.exception("gateways could not be climbed to")

    def _go_round(self) -> None:
        running = self._running()
        if running is None:
            return
        known = {each.id: self._known_of(each, gateway) for each, gateway in running}
        self._known = known
        for deployment, gateway in running:
            one = known[deployment.id]
            if time.monotonic() >= one.due and self._free.acquire(blocking=False):
                one.due = float("inf")
                threading.Thread(
                    target=self._look, args=(one, deployment, gateway), name="climb", daemon=True
                ).start()

    def _known_of(self, deployment: Deployment, gateway: Container) -> _Known:
        subject = _Subject.of(deployment, gateway)
        known = self._known.get(deployment.id)
        return known if known and known.subject == subject else _Known(subject)

    def _look(self, known: _Known, deployment: Deployment, gateway: Container) -> None:
        before = known.climb
        try:
            self._climb(known, deployment, gateway)
        except Exception:  # noqa: BLE001 - the other gateways are climbed to all the same
            _log.exception("a gateway could not be climbed to")
            known.due = time.monotonic() + _PAUSE_SECONDS
        finally:
            self._free.release()
        if known.climb != before:
            self._changed()

    def _climb(
        self, known: _Known, deployment: Deployment, gateway: Container
    ) -> list[ReadinessCheck]:
        """Readiness, and once more where that breaks: one break may be of a busy moment."""
        assert deployment.port is not None, "asked only where the port is known"
        publishes = gateway.publishes(deployment.port)
        before, due = known.climb, time.monotonic() - known.at_the_top >= _WHOLE_SECONDS
        doubted = before is not None and before.failed_check is not None
        rungs: list[ReadinessCheck] = []
        if not doubted:
            rungs = run_checks(deployment, gateway, _GLANCE_SECONDS, up_to="healthz")
        if not decisive_failure(rungs, publishes) and (due or doubted):
            rungs = run_checks(deployment, gateway)
        if decisive_failure(rungs, publishes) and not doubted:
            self._ending.wait(_WAIT_SECONDS)
            rungs = run_checks(deployment, gateway)
        broken = decisive_failure(rungs, publishes)
        now = time.monotonic()
        if rungs[-1].name == "token":
            known.at_the_top = now
        reached = rungs[-1].name == "token" and broken is None
        held = reached or (before is not None and before.has_passed)
        known.climb = Readiness(gateway.id, gateway.runs_since, broken, held, self._grace)
        known.due = now + self._pause(known.climb)
        return rungs

    def _pause(self, climb: Readiness) -> float:
        broken = climb.failed_check
        if broken and broken.code == LOCKED_OUT:
            return _LOCKED_OUT_SECONDS
        if broken and broken.hopeless:
            return _REFUSED_SECONDS
        began = climb.started_at
        if began and not climb.has_passed and datetime.now(UTC) - began < self._grace:
            return _STARTING_SECONDS
        # Not all at the same moment.
        return uniform(0.8, 1.0) * _PAUSE_SECONDS  # noqa: S311
