"""The incident recorder, running as beside a server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.config import Settings
from app.usecases.context import build_context
from app.usecases.history.incident_recorder import Witness
from tests.support.waiting import eventually


@contextmanager
def witnessing(settings: Settings) -> Iterator[Witness]:
    """What a server does beside its pages."""
    context = build_context(settings)
    witness, connected = Witness(context), threading.Event()
    context.events.listen(lambda _: None, connected.set)
    witness.start()
    context.events.start()
    assert connected.wait(20)
    eventually(lambda: witness.looked or witness.waiting)
    yield witness
    witness.stop()
    context.events.stop()
