"""The list of deployments. Its URL holds search, filter and order; its stream sends updates."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from markupsafe import Markup

from app.core.answers import EXAMPLE_ID
from app.core.operations.outcome_words import Outcomes
from app.core.people import Permission
from app.core.status.listing import Listing, ListQuery, Row, read_query, select, starting
from app.core.status.status import Status
from app.usecases.access.pairing import pending_request_counts
from app.usecases.orphans.orphans import last_seen_orphans
from app.usecases.status.answers import DeploymentShown
from app.usecases.status.overview import DeploymentView, Overview, load_overview, usage_of, views_of
from app.web.access.links import page_url
from app.web.api.calls import CallTag, Example, call
from app.web.page.rendering import Tab, in_frame, next_step, render_content
from app.web.page.streams import PageParts, event_stream, render_parts
from app.web.page.times import reading
from app.web.server.permissions import may, needs
from app.web.server.request import app_context, gateway_host
from app.web.server.sharing import shared

bp = Blueprint("overview", __name__)
api_bp = Blueprint("overview_api", __name__, url_prefix="/api/deploy")

# Every part of the list publishes its changes, so it is rendered rarely without a change.
_LOOK_SECONDS = 10.0
# The parts of the list besides its rows and the rows' frame.
_PARTS = (
    "status/_title",
    "status/_icon",
    "status/_counts",
    "status/_starting",
    "status/_engine",
    "lifecycle/_archive_link",
    "orphans/_orphans_link",
)


@bp.get("/")
@needs(Permission.VIEW)
def index() -> ResponseReturnValue:
    query = _query()
    tab, found = shared(("list", query), lambda: _list(query))
    return in_frame(found, tab)


def _list(query: ListQuery) -> tuple[Tab, Markup]:
    overview = load_overview(app_context())
    # Shared for one second at most, because the list shows relative times such as “5 s ago”.
    return shared(
        ("list of overview", query),
        lambda: _rendered_list(overview, query),
        seconds=1.0,
        version=overview,
    )


def _rendered_list(overview: Overview, query: ListQuery) -> tuple[Tab, Markup]:
    _, listing, context = _page_of(overview, query)
    rows = [_row(row) for row in listing.rows]
    return context["tab"], render_content("status/list", rows=rows, **context)


@bp.get("/stream")
@needs(Permission.VIEW)
def stream() -> ResponseReturnValue:
    """Stream updates of the list. The arguments are the same as for `/`."""
    query, outcomes = _query(), Outcomes()

    def look() -> PageParts:
        views, shown = shared(("list stream", query), lambda: _look(query), seconds=_LOOK_SECONDS)
        return replace(shown, toasts=outcomes.of(view.deployment for view in views))

    return event_stream(look, seconds=_LOOK_SECONDS)


def _look(query: ListQuery) -> tuple[Sequence[DeploymentView], PageParts]:
    views, listing, context = _page_of(load_overview(app_context()), query)
    return views, PageParts(
        parts=render_parts(_PARTS, context),
        rows={row.id: _row(row) for row in listing.rows},
        frame=lambda rows: render_template("status/_results.html", rows=rows, **context),
    )


def _page_of(
    overview: Overview, query: ListQuery
) -> tuple[Sequence[DeploymentView], Listing, dict[str, Any]]:
    """Return all deployments, the page of the list, and the context of its templates."""
    views = views_of(overview, app_context())
    listing = select(_rows(views), query)
    return views, listing, _context(listing, views)


def _query() -> ListQuery:
    return read_query(request.args, request.args.getlist("status"))


def _rows(views: Sequence[DeploymentView]) -> list[Row]:
    asking = pending_request_counts(views, context=app_context())
    usage = usage_of(views, context=app_context())
    return [
        Row(
            id=view.deployment.id,
            name=view.deployment.name,
            port=view.deployment.port,
            image=view.image,
            status=view.report.status,
            reason_parts=view.report.reason_parts,
            next_step=next_step(view) if view.report.status is not Status.UNKNOWN else "",
            since=view.report.since,
            asking_devices=asking.get(view.deployment.id, 0),
            usage=usage.get(view.deployment.id),
            page_url=page_url(view.deployment) if view.report.status.reachable else None,
            action=view.action,
            drift=view.drift,
        )
        for view in views
    ]


def _row(row: Row) -> Markup:
    """Return a row's HTML, cached for all readers as long as its text stays the same."""
    return _row_with_words(row, may(Permission.OPERATE), reading(row.reason_parts))


@lru_cache(4096)
def _row_with_words(row: Row, may_operate: bool, _words: str) -> Markup:
    html = render_template("status/_row.html", row=row, may_operate=may_operate)
    return Markup(html)  # noqa: S704 - a template escapes


def _context(listing: Listing, views: Sequence[DeploymentView]) -> dict[str, Any]:
    query = listing.query
    return {
        "listing": listing,
        "query": query,
        "starting": starting(each.report.status for each in views),
        "archived": app_context().store.archive.count(),
        "stranded": len(
            last_seen_orphans([each.deployment for each in views], context=app_context()).all
        ),
        "unknown": next((each for each in views if each.report.status is Status.UNKNOWN), None),
        "stream": url_for("overview.stream", **query.as_arguments(page=query.page)),
        "tab": Tab.of(_title(listing), (status for status, _ in listing.counts)),
    }


def _title(listing: Listing) -> str:
    bad = sum(number for status, number in listing.counts if status.is_bad)
    return f"({bad}) Deployments" if bad else "Deployments"


EXAMPLE = DeploymentShown(
    deployment_id=EXAMPLE_ID,
    port=30163,
    status=Status.RUNNING,
    deploy_dir=f"/srv/deployments/{EXAMPLE_ID}",
    name="Support bot",
    reason="up 3 min, healthy",
    remark="",
    drift=[],
    ws_url="ws://127.0.0.1:30163",
    page_url="http://127.0.0.1:30163/",
)


@api_bp.get("/list")
@needs(Permission.VIEW)
@call(CallTag.DEPLOYMENTS, "List deployments", example=Example([EXAMPLE]))
def list_all() -> list[DeploymentShown]:
    """All deployments with port, status, reason and address. If Docker Engine does not answer, the
    status is `unknown` and the reason names the last known status."""
    return shared("api list", _list_for_script)


def _list_for_script() -> list[DeploymentShown]:
    overview = load_overview(app_context())

    def shown() -> list[DeploymentShown]:
        views = views_of(overview, app_context())
        return [DeploymentShown.of_view(each, gateway_host()) for each in views]

    return shared("api list of overview", shown, seconds=1.0, version=overview)
