"""Limits failed log-ins, so that guessing is slow. In memory: a restart clears the counts."""

from threading import Lock

from cachetools import TTLCache

from app.core.errors import TooManyAttempts

_WINDOW_SECONDS = 300.0
# Limits of failed log-ins: low for one name from one address, higher for all names from one
# address. For one name from all addresses the limit is high, so that nobody can easily lock a user
# out.
_PER_NAME_AND_ADDRESS, _PER_ADDRESS, _PER_NAME = 5, 20, 50

# The counters that an attempt increases, as (name, address); either may be empty.
Attempt = tuple[tuple[str, str], ...]


class LoginThrottle:
    """The log-ins that failed within the last five minutes."""

    def __init__(self) -> None:
        self._failed: TTLCache[tuple[str, str], int] = TTLCache(50_000, _WINDOW_SECONDS)
        self._lock = Lock()

    def begin(self, name: str, address: str) -> Attempt:
        """Count an attempt as failed until it succeeds, so that parallel attempts count too.

        `address` is empty if all users share one address, such as a proxy's. Raises
        TooManyAttempts.
        """
        limits = {(name, ""): _PER_NAME}
        if address:
            limits |= {(name, address): _PER_NAME_AND_ADDRESS, ("", address): _PER_ADDRESS}
        with self._lock:
            if any(self._failed.get(key, 0) >= limit for key, limit in limits.items()):
                raise TooManyAttempts(
                    "Too many log-ins failed in a short time. Wait five minutes, then try again."
                )
            for key in limits:
                self._failed[key] = self._failed.get(key, 0) + 1
        return tuple(limits)

    def succeed(self, attempt: Attempt) -> None:
        """Clear the counts of the attempt's name; take the attempt off the count of its address."""
        with self._lock:
            for key in attempt:
                if key[0]:
                    self._failed.pop(key, None)
                elif key in self._failed:
                    self._failed[key] -= 1
