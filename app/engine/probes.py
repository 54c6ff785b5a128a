"""Probes beside the pages: few at once, each kept for a while; no page waits on a gateway."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock

from cachetools import LRUCache, TLRUCache

from app.core.deployment import Container, Deployment
from app.core.ladder import Rung, first_broken
from app.engine.probe import climb_gateway

_AT_ONCE = 8
_KEPT_SECONDS = 5.0
# Ten refused tokens within a minute lock this host out of a gateway for five.
_HOPELESS_SECONDS = 60.0
_MOST = 4096


class Probes:
    """The latest climb of the ladder for each run of each gateway; a new one is told on.

    One that began before an operation ended tells nothing of what that has changed.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="probe")
        self._climbing: dict[Hashable, Future[list[Rung]]] = {}
        self._fresh: TLRUCache[Hashable, list[Rung]] = TLRUCache(_MOST, _kept_until)
        self._last: LRUCache[Hashable, list[Rung]] = LRUCache(_MOST)
        self._lock = Lock()

    def rungs(
        self, deployment: Deployment, gateway: Container, patience: float = 0.0
    ) -> list[Rung] | None:
        """Return the latest climb, or None before the first; an old one starts another.

        One that has begun is waited for with `patience`, in seconds.
        """
        if deployment.port is None:
            return None
        ended = deployment.operation.ended_at if deployment.operation else None
        asked = deployment.port, hash(deployment.token)
        key = (deployment.id, gateway.id, gateway.run, *asked, ended)
        with self._lock:
            climbing = self._climbing.get(key)
            if climbing and climbing.done():
                del self._climbing[key]
                self._fresh[key] = self._last[key] = climbing.result()
            elif climbing is None and key not in self._fresh:
                climbing = self._pool.submit(climb_gateway, deployment, gateway)
                self._climbing[key] = climbing
                climbing.add_done_callback(lambda _: self._changed())
        if climbing and patience:
            wait((climbing,), patience)
            return self.rungs(deployment, gateway)
        return self._last.get(key)


def _kept_until(_key: Hashable, rungs: list[Rung], now: float) -> float:
    broken = first_broken(rungs)
    return now + (_HOPELESS_SECONDS if broken and broken.hopeless else _KEPT_SECONDS)
