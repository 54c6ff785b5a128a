"""Import the program without garbage collection: it takes a third of a short process's time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Turn garbage collection off during imports, and exclude what was imported from it for good.

    Modules live as long as the process, so scanning them again and again is wasted work.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
