"""Wait for a condition with a timeout. Tests wait in no other way."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], within: float = 60, every: float = 0.05) -> T:
    """Return the first true value of `look`. Fail the test after `within` seconds."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, f"still {seen!r} after {within} s"
        time.sleep(every)
    return seen
