"""Sizes of archived folders, measured one after the other in the background."""

from collections.abc import Callable
from pathlib import Path

from app.core.single_flight import DaemonThreads, SingleFlight
from app.store.sizes import FolderSize, size_of

_KEPT_SECONDS = 600.0


class Sizes:
    """The sizes of archived folders. `counted` is called when a requested size is known."""

    def __init__(self, counted: Callable[[], None]) -> None:
        self._counted = counted
        self._counts: SingleFlight[FolderSize] = SingleFlight(DaemonThreads("sizes", most=1))

    def of(self, folder: Path) -> FolderSize | None:
        """Return a folder's size; None while the folder is being measured."""
        is_counted_already = self._counts.is_running(folder)
        count = self._counts.begin(folder, lambda: size_of(folder), _KEPT_SECONDS)
        if count.done():
            return count.result()
        if not is_counted_already:
            count.add_done_callback(lambda _: self._counted())
        return None
