"""A deadline for all calls to the engine that one page or request makes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_until: ContextVar[float | None] = ContextVar("engine_until", default=None)
# A call with less time than this is not made: libraries reject a timeout of zero.
_LEAST_SECONDS = 0.001


@contextmanager
def engine_deadline(seconds: float) -> Iterator[None]:
    """Limit the total time of the engine calls in this block. Each call's own limit stays."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def seconds_left(limit: float) -> float:
    """Return the seconds that a call with its own `limit` may take now."""
    until = _until.get()
    return limit if until is None else max(min(limit, until - time.monotonic()), 0.0)


def bounded_timeout(limit: float) -> float:
    """Return the timeout for a call that starts now. Raises TimeoutError if no time is left."""
    left = seconds_left(limit)
    if left < _LEAST_SECONDS:
        raise TimeoutError("there is no time left for another call")
    return left
