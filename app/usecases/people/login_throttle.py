"""Failed log-ins, counted so that guessing is slow. In memory: a restart forgives."""

from threading import Lock

from cachetools import TTLCache

from app.core.errors import TooManyAttempts

_WINDOW_SECONDS = 300.0
# From one address a few tries at one name, more at all names; and from everywhere
# together so many at one name that nobody can lock its owner out in passing.
_AT_ONE_NAME, _FROM_ONE_ADDRESS, _FROM_EVERYWHERE = 5, 20, 50


class Attempts:
    """Log-ins that failed within the last five minutes."""

    def __init__(self) -> None:
        self._failed: TTLCache[tuple[str, str], int] = TTLCache(50_000, _WINDOW_SECONDS)
        self._lock = Lock()

    def begin(self, name: str, address: str) -> tuple[tuple[str, str], ...]:
        """Count an attempt as failed until it succeeds: many at once are as many.

        `address` is empty where it is everybody's, as a proxy's is.
        Raises TooManyAttempts.
        """
        limits = {(name, ""): _FROM_EVERYWHERE}
        if address:
            limits |= {(name, address): _AT_ONE_NAME, ("", address): _FROM_ONE_ADDRESS}
        with self._lock:
            if any(self._failed.get(key, 0) >= limit for key, limit in limits.items()):
                raise TooManyAttempts(
                    "Too many log-ins failed in a short time. Wait five minutes, then try again."
                )
            for key in limits:
                self._failed[key] = self._failed.get(key, 0) + 1
        return tuple(limits)

    def succeeded(self, attempt: tuple[tuple[str, str], ...]) -> None:
        """Take back what an attempt counted as failed, and what failed at its name before it."""
        with self._lock:
            for key in attempt:
                if key[0]:
                    self._failed.pop(key, None)
                elif key in self._failed:
                    self._failed[key] -= 1
