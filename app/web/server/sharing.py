"""Answers that readers share: under load, most time goes into reading the same folders for each."""

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
    """Return what `make` returns, once for all readers with the same rights and the same way in.

    Without `seconds` nothing is kept: `make` begins after each of its readers asked, so it sees
    whatever they did before. With `seconds` its result serves for so long, or until something
    is known to have changed. `version` is what it was made of: another one is made anew.
    """
    answers: SingleFlight[object] = current_app.extensions["shared_answers"]
    after = app_context().live_updates.changed_at if seconds else monotonic()
    reader = (key, may(Permission.OPERATE), visitor())
    return cast(Made, answers.get(reader, make, seconds=seconds, after=after, version=version))
