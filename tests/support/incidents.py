"""The incident recorder, running as beside a server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.config import Settings
from app.usecases.context import build_context
from app.usecases.history.incident_recorder import IncidentRecorder
from tests.support.waiting import eventually


@contextmanager
def recording(settings: Settings) -> Iterator[IncidentRecorder]:
    """What a server does beside its pages."""
    context = build_context(settings)
    recorder, connected = IncidentRecorder(context), threading.Event()
    context.events.listen(lambda _: None, connected.set)
    recorder.start()
    context.events.start()
    assert connected.wait(20)
    eventually(lambda: recorder.caught_up or recorder.waiting)
    yield recorder
    recorder.stop()
    context.events.stop()
