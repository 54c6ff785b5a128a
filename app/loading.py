"""Loading the program: a third of what a short process costs, unless the collector rests."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Keep Python's collector from what is loaded meanwhile, then and at the process's end.

    Modules stay until then, yet it would look through all of them again and again.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
