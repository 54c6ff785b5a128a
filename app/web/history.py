"""The history of one deployment or of all: pages, API calls, and the bundle for bug reports."""

import io
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, send_file, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from pydantic import Field

from app.core.answers import EXAMPLE_ID, EXAMPLE_TIME, Answer
from app.core.deployment import parse_id
from app.core.errors import NotFound
from app.core.history.timeline_words import KIND_LABELS, EntryKind
from app.core.people import Permission
from app.usecases.history.answers import HistoryEntryShown
from app.usecases.history.bundle import bundle_of
from app.usecases.history.history import (
    LARGEST_PAGE,
    PAGE,
    HistoryPage,
    history_of,
    people_in,
    read_filter,
)
from app.usecases.history.timeline import days_of, names_of
from app.usecases.status.overview import show_deployment
from app.web.api.calls import CallTag, Example, call
from app.web.api.shapes import CallQuery
from app.web.page.rendering import render
from app.web.server.permissions import needs
from app.web.server.request import app_context

bp = Blueprint("history", __name__)
api_bp = Blueprint("history_api", __name__, url_prefix="/api/deploy/history")
_LINES = "application/x-ndjson"
_ASKED = ("deployment", "kind", "who", "day", "limit")


class HistoryQuery(CallQuery):
    """Selects entries of one deployment's history."""

    kind: EntryKind | None = Field(None, description="Only entries of this kind.")
    who: str = Field("", description="Only actions of this person or token.")
    day: str = Field("", description="Only this day, in UTC.", examples=["2026-11-24"])
    limit: int = Field(PAGE, ge=1, le=LARGEST_PAGE, description="The largest number of entries.")
    before: str = Field(
        "", description="Only entries older than this position, from an earlier `next`."
    )


class WholeHistoryQuery(HistoryQuery):
    """Selects entries of the history of all deployments."""

    deployment: str = Field("", description="Only the deployment with this id.")


class HistoryAnswer(Answer):
    """Entries, newest first."""

    entries: list[HistoryEntryShown]
    next: str | None = Field(description="The address of the older entries; null at the end.")

    def headers(self) -> Mapping[str, str]:
        return _link(self.next)


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
        io.BytesIO(bundle_of(parse_id(deployment_id), context=app_context())),
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"deployment-{deployment_id}.zip",
        max_age=0,
    )


_ENTRY = HistoryEntryShown(
    id=f"{EXAMPLE_ID}/2",
    deployment_id=EXAMPLE_ID,
    at=EXAMPLE_TIME,
    kind=EntryKind.OPERATION,
    what="launch",
    words="Launched",
    who="ada",
    source="192.0.2.7",
    outcome="succeeded",
    reason=None,
    operation=1,
    ended_at=EXAMPLE_TIME + timedelta(seconds=9),
    details={},
)


@api_bp.get("")
@needs(Permission.VIEW)
@call(
    CallTag.LOGS,
    "Read the history of all deployments",
    example=Example(query={"limit": 20}, answer=HistoryAnswer(entries=[_ENTRY], next=None)),
    errors=(NotFound,),
    media=(_LINES,),
)
def list_all(query: WholeHistoryQuery) -> HistoryAnswer | Response:
    """Actions and incidents, newest first: who, from which address, with which outcome.
    `Accept: application/x-ndjson` gets JSON Lines."""
    return _answer(query, query.deployment)


@api_bp.get("/<deployment_id>")
@needs(Permission.VIEW)
@call(
    CallTag.LOGS,
    "Read the history of one deployment",
    example=Example(
        path={"deployment_id": EXAMPLE_ID},
        query={"kind": "operation"},
        answer=HistoryAnswer(entries=[_ENTRY], next=None),
    ),
    media=(_LINES,),
)
def list_of(deployment_id: str, query: HistoryQuery) -> HistoryAnswer | Response:
    """The answer has the same keys as the history of all deployments."""
    return _answer(query, parse_id(deployment_id))


def _page(deployment_id: str) -> ResponseReturnValue:
    wanted = read_filter(request.args, deployment_id)
    page = history_of(wanted, context=app_context(), before=request.args.get("before", ""))
    view = show_deployment(deployment_id, context=app_context()) if deployment_id else None
    return render(
        "history/show",
        tab=f"History of {view.deployment.label}" if view else "History",
        view=view,
        days=days_of(page.entries, context=app_context()),
        names=names_of(page.entries, context=app_context()),
        people=people_in(page),
        wanted=wanted,
        kinds=KIND_LABELS,
        is_first="before" not in request.args,
        older=_older(page),
    )


def _answer(query: HistoryQuery, deployment_id: str) -> HistoryAnswer | Response:
    wanted = read_filter({**query.model_dump(), "kind": query.kind or ""}, deployment_id)
    page = history_of(wanted, context=app_context(), before=query.before, most=query.limit)
    older = _older(page)
    if request.accept_mimetypes.best_match(["application/json", _LINES]) == _LINES:
        return Response(_lines(page), content_type=_LINES, headers=_link(older))
    found = [HistoryEntryShown.of(each) for each in page.entries]
    return HistoryAnswer(entries=found, next=older)


def _link(older: str | None) -> dict[str, str]:
    return {"Link": f'<{older}>; rel="next"'} if older else {}


def _lines(page: HistoryPage) -> Iterator[str]:
    for entry in page.entries:
        yield json.dumps(HistoryEntryShown.of(entry).as_json()) + "\n"


def _older(page: HistoryPage) -> str | None:
    """Return the address of the next page, with older entries and the same filter."""
    if not page.older or request.endpoint is None:
        return None
    # Pass only known names: `url_for` treats some names specially, such as _scheme.
    asked = {name: value for name, value in request.args.items() if name in _ASKED}
    given: dict[str, Any] = {**asked, **(request.view_args or {}), "before": page.older}
    return url_for(request.endpoint, **given)
