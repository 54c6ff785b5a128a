"""Results that readers share: under load, most time goes into reading the same folders again."""

from collections.abc import Callable, Hashable
from time import monotonic
from typing import TypeVar, cast

from flask import Flask, current_app

from app.core.people import Permission
from app.core.single_flight import SingleFlight
from app.web.server.permissions import may
from app.web.server.request import app_context, visitor

_MOST_ANSWERS = 128

Made = TypeVar("Made")


def init_app(app: Flask) -> None:
    app.extensions["shared_answers"] = SingleFlight(most=_MOST_ANSWERS)


def shared(
    key: Hashable, make: Callable[[], Made], *, seconds: float = 0.0, version: object = None
) -> Made:
    """Call `make` once for all readers with the same permission and the same `visitor()`.

    Without `seconds`, only concurrent readers share a call that starts after their requests, so
    the result includes their own changes. With `seconds`, the result is kept for that time, or
    until a change is published. If `version` differs, `make` is called again.
    """
    answers: SingleFlight[object] = current_app.extensions["shared_answers"]
    after = app_context().live_updates.changed_at if seconds else monotonic()
    reader = (key, may(Permission.OPERATE), visitor())
    return cast(Made, answers.get(reader, make, seconds=seconds, after=after, version=version))
