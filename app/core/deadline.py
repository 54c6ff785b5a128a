"""How long whoever waits now may be kept waiting by the engine, over all calls together."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_until: ContextVar[float | None] = ContextVar("engine_until", default=None)
# So that a call that has no time left ends as one that got no answer, not as a wrong one.
_LEAST_SECONDS = 0.001


@contextmanager
def engine_deadline(seconds: float) -> Iterator[None]:
    """Let all calls of the engine in here take so long, together. Each still has its own limit."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def seconds_left(limit: float) -> float:
    """Return how long the next call may take, which alone may take `limit`."""
    until = _until.get()
    return limit if until is None else max(min(limit, until - time.monotonic()), 0.0)


def bounded_timeout(limit: float) -> float:
    """Return the limit of a call that begins now. Raises TimeoutError where none is left."""
    left = seconds_left(limit)
    if left < _LEAST_SECONDS:
        raise TimeoutError("no time is left for another call")
    return left
