"""Orphans: their page, the question before a removal, and the API calls."""

from typing import Any

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from pydantic import Field

from app.core.answers import EXAMPLE_ID
from app.core.errors import (
    InputRejected,
    NotFound,
    NotOrphaned,
    NotRemoved,
    StopFailed,
    TooManyWaiting,
)
from app.core.orphans import Orphan, OrphanKind
from app.core.people import Permission
from app.usecases.orphans.answers import (
    OrphanContainerShown,
    OrphanShown,
    RemovedOrphanAnswer,
    RemovingOrphanAnswer,
)
from app.usecases.orphans.orphans import list_orphans, list_orphans_now
from app.usecases.orphans.remove import Removal, find_orphan, remove_orphan, remove_orphans
from app.web.api.calls import BEGINNING, ENGINE, CallTag, Example, call
from app.web.api.shapes import CallBody, Text
from app.web.page.rendering import Tab, lead_to, render
from app.web.page.streams import PageParts, event_stream
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

bp = Blueprint("stranded", __name__, url_prefix="/stranded")
api_bp = Blueprint("stranded_api", __name__, url_prefix="/api/deploy/stranded")
_API_SECONDS = 110.0


@bp.get("")
@needs(Permission.VIEW)
def show() -> ResponseReturnValue:
    return render("orphans/show", **_context())


@bp.get("/stream")
@needs(Permission.VIEW)
def stream() -> ResponseReturnValue:
    """Stream updates of the orphans page."""

    def look() -> PageParts:
        rows = render_template("orphans/_orphan.html", **_context())
        return PageParts({"stranded-rows": rows})

    return event_stream(look)


@bp.get("/remove")
@needs(Permission.OPERATE)
def ask() -> ResponseReturnValue:
    """Ask before removing the named orphans. Without names, all that are certainly ours."""
    chosen = _chosen(request.args.getlist("project"))
    if not chosen:
        return lead_to(url_for("stranded.show"))
    return render("orphans/remove", tab="Remove orphans", chosen=chosen)


@bp.post("/remove")
@needs(Permission.OPERATE)
def remove() -> ResponseReturnValue:
    named = request.form.getlist("project")
    if not named:
        raise InputRejected({"project": "is needed"})
    removal = remove_orphans(named, actor=actor(), context=app_context())
    for words, category in _removal_messages(removal):
        flash(words, category)
    return lead_to(url_for("stranded.show"))


class OrphanBody(CallBody):
    """One Compose project."""

    project: Text = Field(description="The name of the Compose project, as in the list.")


_LEFT = OrphanShown(
    project=EXAMPLE_ID,
    kind=OrphanKind.FOLDER_GONE,
    why=f"Its folder /srv/deployments/{EXAMPLE_ID} no longer exists.",
    perhaps=False,
    listed=False,
    containers=[
        OrphanContainerShown(name=f"{EXAMPLE_ID}-openclaw-1", image="openclaw:1", state="running")
    ],
    networks=[f"{EXAMPLE_ID}_default"],
)


@api_bp.get("")
@needs(Permission.VIEW)
@call(CallTag.HOST, "List orphans", example=Example([_LEFT]), errors=ENGINE)
def list_all() -> list[OrphanShown]:
    """Containers and networks that have no deployment folder here, were never started, or are half
    removed. Containers with a folder elsewhere belong to another server and are not listed."""
    found = list_orphans_now(context=app_context()).all
    return [OrphanShown.of(each) for each in found]


@api_bp.post("/remove")
@needs(Permission.OPERATE)
@call(
    CallTag.HOST,
    "Remove an orphan",
    example=Example(
        body=OrphanBody(project=EXAMPLE_ID), answer=RemovedOrphanAnswer(project=EXAMPLE_ID)
    ),
    errors=(NotFound, NotOrphaned, NotRemoved, StopFailed, TooManyWaiting, *BEGINNING),
)
def remove_by_script(body: OrphanBody) -> RemovedOrphanAnswer | RemovingOrphanAnswer:
    """Stops the containers, keeps their last words, and removes containers and networks. The call
    is refused if the project is no longer an orphan."""
    gone = remove_orphan(body.project, actor=actor(), context=app_context(), seconds=_API_SECONDS)
    return (
        RemovedOrphanAnswer(project=body.project)
        if gone
        else RemovingOrphanAnswer(project=body.project)
    )


def _context() -> dict[str, Any]:
    return {"tab": Tab("Orphans"), "found": list_orphans(context=app_context())}


def _chosen(named: list[str]) -> list[Orphan]:
    """Return the named orphans. Without names, return all that are certainly ours.

    Raises NotFound, NotOrphaned, EngineError.
    """
    if named:
        return [find_orphan(each, context=app_context()) for each in named]
    return list_orphans_now(context=app_context()).ours


def _removal_messages(removal: Removal) -> list[tuple[str, str]]:
    """Return the messages about a removal, each with the category for `flash`."""
    messages = [(f"{each} was removed.", "done") for each in removal.removed]
    messages += [(f"{each} is being removed.", "done") for each in removal.removing]
    return messages + [
        (f"{each.title}: {each.detail}", "problem") for each in removal.refused.values()
    ]
