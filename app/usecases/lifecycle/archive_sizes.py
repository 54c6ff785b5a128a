"""Sizes of archived folders: counted once, one after the other, beside whoever asks."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from cachetools import TTLCache

from app.store.sizes import FolderSize, size_of

_KEPT_SECONDS = 600.0


class Sizes:
    """`told` is called when a size that somebody asked for is known."""

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._counting = ThreadPoolExecutor(1, thread_name_prefix="sizes")
        self._lock = Lock()
        self._counted: TTLCache[Path, Future[FolderSize]] = TTLCache(10_000, _KEPT_SECONDS)

    def of(self, folder: Path) -> FolderSize | None:
        """Return a folder's size, or None while it is being counted."""
        with self._lock:
            counted = self._counted.get(folder)
            if counted is None:
                counted = self._counted[folder] = self._counting.submit(size_of, folder)
                counted.add_done_callback(lambda _: self._told())
        return counted.result() if counted.done() else None
