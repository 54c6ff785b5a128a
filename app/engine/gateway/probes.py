"""Probes beside the pages: few at once, each kept for a while; no page waits on a gateway."""

import logging
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock

from cachetools import LRUCache, TLRUCache

from app.core.deployment import Deployment
from app.core.snapshot import Container
from app.core.status.readiness import ReadinessCheck, first_failed
from app.engine.gateway.probe import run_checks

_log = logging.getLogger("deploy_agent")

_AT_ONCE = 8
_KEPT_SECONDS = 5.0
# Ten refused tokens within a minute lock this host out of a gateway for five.
_HOPELESS_SECONDS = 60.0
_MOST = 4096


class Probes:
    """The latest climb of the ladder for each run of each gateway; a new one is told on.

    One from before an operation, or from during it, tells nothing of what that has changed.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="probe")
        self._climbing: dict[Hashable, Future[None]] = {}
        self._fresh: TLRUCache[Hashable, list[ReadinessCheck]] = TLRUCache(_MOST, _kept_until)
        self._last: LRUCache[Hashable, list[ReadinessCheck]] = LRUCache(_MOST)
        self._lock = Lock()

    def rungs(
        self, deployment: Deployment, gateway: Container, patience: float = 0.0
    ) -> list[ReadinessCheck] | None:
        """Return the latest climb, or None before the first; an old one starts another.

        One that has begun is waited for with `patience`, in seconds.
        """
        if deployment.port is None:
            return None
        latest = deployment.operation
        since = (latest.number, latest.ended_at) if latest else None
        key = (gateway.id, gateway.run, deployment.port, hash(deployment.token), since)
        with self._lock:
            climbing = self._climbing.get(key)
            if climbing is None and key not in self._fresh:
                climbing = self._pool.submit(self._climb, key, deployment, gateway)
                self._climbing[key] = climbing
                climbing.add_done_callback(lambda _: self._changed())
        if climbing and patience:
            wait((climbing,), patience)
            return self.rungs(deployment, gateway)
        return self._last.get(key)

    def _climb(self, key: Hashable, deployment: Deployment, gateway: Container) -> None:
        try:
            rungs = run_checks(deployment, gateway)
            with self._lock:
                self._fresh[key] = self._last[key] = rungs
        except Exception:  # noqa: BLE001 - nobody waits for it who could tell
            _log.exception("a gateway's readiness could not be seen")
        finally:
            with self._lock:
                del self._climbing[key]


def _kept_until(_key: Hashable, rungs: list[ReadinessCheck], now: float) -> float:
    broken = first_failed(rungs)
    return now + (_HOPELESS_SECONDS if broken and broken.hopeless else _KEPT_SECONDS)
