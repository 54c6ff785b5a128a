"""Failed log-ins, counted so that guessing is slow. In memory: a restart forgives."""

from threading import Lock

from cachetools import TTLCache

from app.core.errors import TooManyAttempts

_TRIES, _WINDOW_SECONDS = 5, 300.0


class Attempts:
    """Failed log-ins by name and by address, so that guessing is slow."""

    def __init__(self) -> None:
        self._failed: TTLCache[str, int] = TTLCache(10_000, _WINDOW_SECONDS)
        self._lock = Lock()

    def count(self, *keys: str) -> None:
        """Count an attempt as failed until it succeeds: many at once are as many.

        Raises TooManyAttempts.
        """
        with self._lock:
            if any(self._failed.get(key, 0) >= _TRIES for key in keys):
                raise TooManyAttempts(
                    "Five log-ins failed within five minutes. Wait five minutes, then try again."
                )

            for key in keys:
                self._failed[key] = self._failed.get(key, 0) + 1

    def succeeded(self, *keys: str) -> None:
        with self._lock:
            for key in keys:
                self._failed.pop(key, None)
