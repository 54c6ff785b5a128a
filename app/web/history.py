"""The history of one deployment or of all: its pages, its calls, and the bundle to give away."""

import io
import json
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, jsonify, send_file, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.deployment import parse_id
from app.core.people import Permission
from app.core.timeline import KIND_LABELS
from app.usecases.bundle import bundle_of
from app.usecases.history import (
    LARGEST_PAGE,
    PAGE,
    Page,
    describe_moment,
    history_of,
    people_in,
    read_filter,
)
from app.usecases.overview import show_deployment
from app.usecases.timeline import days_of, names_of
from app.web.access import needs
from app.web.calls import number_in
from app.web.rendering import render
from app.web.request import world

bp = Blueprint("history", __name__)
api_bp = Blueprint("history_api", __name__, url_prefix="/api/deploy/history")
_LINES = "application/x-ndjson"
_ASKED = ("deployment", "kind", "who", "day", "limit")


@bp.get("/history")
@needs(Permission.VIEW)
def show_all() -> ResponseReturnValue:
    return _page("")


@bp.get("/deployments/<deployment_id>/history")
@needs(Permission.VIEW)
def show(deployment_id: str) -> ResponseReturnValue:
    return _page(parse_id(deployment_id))


@bp.get("/deployments/<deployment_id>/bundle")
@needs(Permission.VIEW)
def bundle(deployment_id: str) -> ResponseReturnValue:
    return send_file(
        io.BytesIO(bundle_of(parse_id(deployment_id), world=world())),
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"deployment-{deployment_id}.zip",
        max_age=0,
    )


@api_bp.get("")
@needs(Permission.VIEW)
def list_all() -> ResponseReturnValue:
    return _answer("")


@api_bp.get("/<deployment_id>")
@needs(Permission.VIEW)
def list_of(deployment_id: str) -> ResponseReturnValue:
    return _answer(parse_id(deployment_id))


def _page(deployment_id: str) -> ResponseReturnValue:
    wanted = read_filter(request.args, deployment_id)
    page = history_of(wanted, world=world(), before=request.args.get("before", ""))
    return render(
        "history/show",
        card=show_deployment(deployment_id, world=world()) if deployment_id else None,
        days=days_of(page.moments, world=world()),
        names=names_of(page.moments, world=world()),
        people=people_in(page),
        wanted=wanted,
        kinds=KIND_LABELS,
        is_first="before" not in request.args,
        older=_older(page),
    )


def _answer(deployment_id: str) -> ResponseReturnValue:
    wanted = read_filter(request.args, deployment_id)
    before = request.args.get("before", "")
    most = number_in("limit", PAGE, LARGEST_PAGE)
    page = history_of(wanted, world=world(), before=before, most=most)
    older = _older(page)
    if request.accept_mimetypes.best_match(["application/json", _LINES]) == _LINES:
        response = Response(_lines(page), content_type=_LINES)
    else:
        found = [describe_moment(each) for each in page.moments]
        response = jsonify(ok=True, entries=found, next=older)
    if older:
        response.headers["Link"] = f'<{older}>; rel="next"'
    return response


def _lines(page: Page) -> Iterator[str]:
    for moment in page.moments:
        yield json.dumps(describe_moment(moment)) + "\n"


def _older(page: Page) -> str | None:
    """Return the address of the next page, with the same filter."""
    if not page.older or request.endpoint is None:
        return None
    # Nothing else of the query: some names have a meaning of their own where addresses are built.
    asked = {name: value for name, value in request.args.items() if name in _ASKED}
    given: dict[str, Any] = {**asked, **(request.view_args or {}), "before": page.older}
    return url_for(request.endpoint, **given)
