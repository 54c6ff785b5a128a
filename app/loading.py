"""Import the program without garbage collection, which takes a third of a short process's time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Turn garbage collection off during imports, then exclude all imported objects permanently.

    Modules live as long as the process, so scanning them repeatedly is wasted work.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
