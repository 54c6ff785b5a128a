"""Sample processor and memory of running containers in one thread, while a page shows them."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from docker.errors import NotFound

from app.core.errors import EngineError
from app.core.status.usage import Usage, usage_between
from app.engine.client import EngineClient

_log = logging.getLogger("deploy_agent")
# A sample costs a millisecond. Samples of thirty containers are a fifth of the cost of open pages.
_PAUSE_SECONDS = 5.0
_IDLE_SECONDS = 15.0


class UsageSampler:
    """The latest usage by container id. A sample costs one short engine call per container."""

    def __init__(self, client: EngineClient, changed: Callable[[], None]) -> None:
        self._client = client
        self._changed = changed
        self._wanted: dict[str, float] = {}
        self._samples: dict[str, dict[str, Any]] = {}
        self._usage: dict[str, Usage] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def usage_of(self, container_ids: Iterable[str]) -> dict[str, Usage]:
        """Return the latest usage, and sample these containers for a while."""
        ids, now = list(container_ids), time.monotonic()
        with self._lock:
            self._wanted.update(dict.fromkeys(ids, now))
            # The thread ends if no page shows usage, or after an unforeseen error.
            if ids and not (self._thread and self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
                self._thread.start()
            return {each: self._usage[each] for each in ids if each in self._usage}

    @property
    def latest(self) -> list[Usage]:
        """The usage of all containers sampled last."""
        with self._lock:
            return list(self._usage.values())

    def _run(self) -> None:
        try:
            self._sample_on()
        except Exception:  # noqa: BLE001 - the next call of usage_of starts another thread
            _log.exception("the usage of containers could not be sampled")

    def _sample_on(self) -> None:
        while wanted := self._still_wanted():
            fresh = {each: sample for each in wanted if (sample := self._sample(each))}
            with self._lock:
                before, self._samples = self._samples, fresh
                usage = {
                    each: found
                    for each in fresh
                    if each in before and (found := usage_between(before[each], fresh[each]))
                }
                is_different, self._usage = usage != self._usage, usage
            if is_different:
                self._changed()
            time.sleep(_PAUSE_SECONDS if before else 1.0)

    def _still_wanted(self) -> list[str]:
        recent = time.monotonic() - _IDLE_SECONDS
        with self._lock:
            self._wanted = {each: at for each, at in self._wanted.items() if at > recent}
            if not self._wanted:
                self._thread, self._samples, self._usage = None, {}, {}
            return list(self._wanted)

    def _sample(self, container_id: str) -> dict[str, Any] | None:
        try:
            with self._client.calls() as client:
                sample: dict[str, Any] = client.stats(container_id, stream=False, one_shot=True)
        except (EngineError, NotFound):
            return None
        return sample
