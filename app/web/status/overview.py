"""The list of deployments: searched, filtered and sorted by its URL, and followed by its stream."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from markupsafe import Markup

from app.core.status.listing import Listing, Query, Row, read_query, select, starting
from app.core.operations.outcome_words import Outcomes
from app.core.people import Permission
from app.core.status.status import Status
from app.usecases.lifecycle.archive import count_archived
from app.usecases.status.overview import Card, Seen, cards_of, see
from app.usecases.access.pairing import askers
from app.usecases.orphans.orphans import seen_stranded
from app.usecases.status.usage import usage_of
from app.web.server.permissions import may, needs
from app.web.server.single_flight import at_once, look_together
from app.web.access.links import page_url
from app.web.page.rendering import Tab, framed, next_step
from app.web.server.request import gateway_host, world
from app.web.page.streams import Shown, follow, rendered
from app.web.page.times import reading

bp = Blueprint("overview", __name__)

# All that the list shows tells of its changes.
_LOOK_SECONDS = 10.0
# What the list is made of beside its rows and their frame.
_PARTS = ("_tab", "_counts", "_starting", "_engine", "_archive_link", "_stranded_link")


@bp.get("/")
@needs(Permission.VIEW)
def index() -> ResponseReturnValue:
    tab, found = _list(_query(), may(Permission.OPERATE), gateway_host())
    return framed("deployments/list", found, tab=tab)


@at_once
def _list(query: Query, may_operate: bool, host: str) -> tuple[Tab, Markup]:
    """Return the list as those see it who may do the same and came by the same name."""
    return _made(see(world()), query, may_operate, host)


# For no longer, since its words tell the time.
@look_together(1.0)
def _made(seen: Seen, query: Query, may_operate: bool, _host: str) -> tuple[Tab, Markup]:
    _, listing, context = _asked_for(seen, query)
    rows = [_row(row, may_operate) for row in listing.rows]
    html = render_template("deployments/_list.html", rows=rows, **context)
    return context["tab"], Markup(html)  # noqa: S704 - a template escapes


@bp.get("/stream")
@needs(Permission.VIEW)
def stream() -> ResponseReturnValue:
    """Send what changes in the list that the same arguments of `/` show."""
    query, outcomes = _query(), Outcomes()

    def look() -> Shown:
        cards, shown = _look(query, may(Permission.OPERATE), gateway_host())
        return replace(shown, told=outcomes.of(card.deployment for card in cards))

    return follow(look, seconds=_LOOK_SECONDS)


@look_together(_LOOK_SECONDS)
def _look(query: Query, may_operate: bool, _host: str) -> tuple[Sequence[Card], Shown]:
    cards, listing, context = _asked_for(see(world()), query)
    return cards, Shown(
        parts=rendered(_PARTS, context),
        rows={row.id: _row(row, may_operate) for row in listing.rows},
        frame=lambda rows: render_template("deployments/_results.html", rows=rows, **context),
    )


def _asked_for(seen: Seen, query: Query) -> tuple[Sequence[Card], Listing, dict[str, Any]]:
    """Return all deployments, those that were asked for, and what templates need."""
    cards = cards_of(seen, world())
    listing = select(_rows(cards), query)
    return cards, listing, _context(listing, cards)


def _query() -> Query:
    return read_query(request.args, request.args.getlist("status"))


def _rows(cards: Sequence[Card]) -> list[Row]:
    asking = askers(cards, world=world())
    usage = usage_of(cards, world=world())
    return [
        Row(
            id=card.deployment.id,
            name=card.deployment.name,
            port=card.deployment.port,
            image=card.image,
            status=card.verdict.status,
            told=card.verdict.told,
            next_step=next_step(card) if card.verdict.status is not Status.UNKNOWN else "",
            since=card.verdict.since,
            asking_devices=asking.get(card.deployment.id, 0),
            usage=usage.get(card.deployment.id),
            page_url=page_url(card.deployment) if card.verdict.status.reachable else None,
            action=card.action,
            drift=card.drift,
        )
        for card in cards
    ]


def _row(row: Row, may_operate: bool) -> Markup:
    """Return a row's HTML: made once for all who look, as long as it reads the same."""
    return _row_as_it_reads(row, may_operate, reading(row.told))


@lru_cache(4096)
def _row_as_it_reads(row: Row, may_operate: bool, _reading: str) -> Markup:
    html = render_template("deployments/_row.html", row=row, may_operate=may_operate)
    return Markup(html)  # noqa: S704 - a template escapes


def _context(listing: Listing, cards: Sequence[Card]) -> dict[str, Any]:
    query = listing.query
    return {
        "listing": listing,
        "query": query,
        "starting": starting(each.verdict.status for each in cards),
        "archived": count_archived(world=world()),
        "stranded": len(seen_stranded([each.deployment for each in cards], world=world()).stranded),
        "unknown": next((each for each in cards if each.verdict.status is Status.UNKNOWN), None),
        "stream": url_for("overview.stream", **query.as_arguments(page=query.page)),
        "tab": Tab.of(_title(listing), (status for status, _ in listing.counts)),
    }


def _title(listing: Listing) -> str:
    bad = sum(number for status, number in listing.counts if status.is_bad)
    return f"({bad}) Deployments" if bad else "Deployments"
