"""The engine's deadline in a request: a page loads within two seconds even if the engine hangs."""

from contextlib import ExitStack

from flask import Flask, Response, g
from htmx_flask import request

from app.core.deadline import engine_deadline

# The rest of the two seconds is for rendering.
_ENGINE_SECONDS = 1.5


def init_app(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_end_anyway)


def _begin() -> None:
    """Set a deadline for requests that only read. Changes may take longer."""
    g.engine_deadline = ExitStack()
    if request.method in ("GET", "HEAD"):
        g.engine_deadline.enter_context(engine_deadline(_ENGINE_SECONDS))


def _end(response: Response) -> Response:
    """Cancel the deadline before a streamed response, which may last for hours."""
    g.engine_deadline.close()
    return response


def _end_anyway(_: BaseException | None) -> None:
    if deadline := g.pop("engine_deadline", None):
        deadline.close()
