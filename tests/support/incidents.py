"""The incident recorder, running as it does in a server."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.config import Settings
from app.usecases.context import build_context
from app.usecases.history.incident_recorder import IncidentRecorder
from tests.support.waiting import eventually


def has_caught_up(recorder: IncidentRecorder) -> bool:
    return recorder.caught_up


def waits_for_its_turn(recorder: IncidentRecorder) -> bool:
    return recorder.waiting


@contextmanager
def recording(
    settings: Settings, until: Callable[[IncidentRecorder], bool] = has_caught_up
) -> Iterator[IncidentRecorder]:
    """Run a recorder. The body begins once the recorder follows engine events and `until` holds.

    The recorder's lock is in a folder that an app creates. Without this folder, the recorder tries
    again two seconds later and misses all events until then.
    """
    context = build_context(settings)
    recorder, connected = IncidentRecorder(context), threading.Event()
    context.events.listen(lambda _: None, connected.set)
    recorder.start()
    context.events.start()
    try:
        assert connected.wait(20)
        eventually(lambda: until(recorder))
        yield recorder
    finally:
        recorder.stop()
        context.events.stop()
