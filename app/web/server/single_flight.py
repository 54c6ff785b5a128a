"""What many ask for is made once for all of them.

Under load most of the time goes into looking, at the same folders, and into making the same
rows of them.
"""

import threading
import time
from collections.abc import Callable
from functools import lru_cache, partial, wraps
from typing import Generic, ParamSpec, TypeVar, cast

from cachetools import TTLCache, cached

from app.web.server.request import app_context

_DIFFERENT_ANSWERS = 64

Arguments = ParamSpec("Arguments")
Made = TypeVar("Made")


def at_once(make: Callable[Arguments, Made]) -> Callable[Arguments, Made]:
    """Let those who call with equal arguments at the same time share what one call returns.

    Nothing is kept for later: who comes while an answer is being made waits for the next one, so
    whatever they did or saw before they asked is in it.
    """

    @lru_cache(_DIFFERENT_ANSWERS)
    def shared(*_asked: object) -> _Shared[Made]:
        return _Shared()

    @wraps(make)
    def share(*arguments: Arguments.args, **named: Arguments.kwargs) -> Made:
        one = shared(id(app_context()), *arguments, *named.items())
        return one.get(partial(make, *arguments, **named))

    return share


def look_together(
    seconds: float,
) -> Callable[[Callable[Arguments, Made]], Callable[Arguments, Made]]:
    """Let those who call with equal arguments share what is made: for so long, or until
    something is known to have changed. Fifty open pages cost about as much as one."""

    def key(*arguments: object) -> tuple[object, ...]:
        return (id(app_context()), app_context().live_updates.version, *arguments)

    return cached(TTLCache(_DIFFERENT_ANSWERS, seconds), key=key, condition=threading.Condition())


class _Shared(Generic[Made]):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = float("-inf")
        self._made: Made | None = None

    def get(self, make: Callable[[], Made]) -> Made:
        """Return what was begun after this call; what `make` raises, its own caller gets."""
        came = time.monotonic()
        with self._lock:
            begun = time.monotonic()
            if self._begun < came:
                self._made = make()
                self._begun = begun
            return cast(Made, self._made)
