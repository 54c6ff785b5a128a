"""Templates: the page or, for HTMX, its content alone; the same partial in both."""

from datetime import UTC, datetime

from flask import Flask, Response, make_response, render_template

from app.core.composefile import SERVICE
from app.core.ladder import LABELS
from app.core.wording import ago, duration
from app.web.request import wants_fragment


def render(page: str, status: int = 200, **values: object) -> Response:
    """Answer with `templates/<folder>/<page>.html`, or with its `_<page>.html` as a fragment."""
    folder, _, name = page.rpartition("/")
    template = f"{folder}/_{name}.html" if wants_fragment() else f"{folder}/{name}.html"
    response = make_response(render_template(template, **values), status)
    response.vary.add("HX-Request")
    return response


def init_app(app: Flask) -> None:
    app.jinja_env.filters["ago"] = lambda moment: ago(moment, datetime.now(UTC))
    app.jinja_env.filters["duration"] = duration
    app.jinja_env.globals.update(RUNG_LABELS=LABELS, SERVICE=SERVICE)
