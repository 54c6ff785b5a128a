"""Patience: a page is answered within two seconds, however slow the engine is."""

from contextlib import ExitStack

from flask import Flask, Response, g
from htmx_flask import request

from app.core.deadline import engine_deadline

# What is left of the two seconds is for making the page.
_ENGINE_SECONDS = 1.5


def init_app(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_let_go)


def _begin() -> None:
    """Bound what only looks; what changes something may take longer."""
    g.patience = ExitStack()
    if request.method in ("GET", "HEAD"):
        g.patience.enter_context(engine_deadline(_ENGINE_SECONDS))


def _end(response: Response) -> Response:
    """Before anything is streamed: a stream looks for as long as it is followed."""
    g.patience.close()
    return response


def _let_go(_: BaseException | None) -> None:
    if patience := g.pop("patience", None):
        patience.close()
