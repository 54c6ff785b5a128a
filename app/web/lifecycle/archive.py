"""The archive: its page, restore and purge, and the API calls."""

from typing import Any, ClassVar, Literal

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from pydantic import Field

from app.core.answers import EXAMPLE_ID, EXAMPLE_TIME, Answer, DeploymentId
from app.core.errors import (
    ArchiveFailed,
    Busy,
    InputRejected,
    NotFound,
    NotPurged,
    NotRestored,
    TooManyWaiting,
)
from app.core.people import Permission
from app.usecases.lifecycle.answers import (
    ArchivedAnswer,
    ArchivedShown,
    PurgedAnswer,
    RestoredAnswer,
)
from app.usecases.lifecycle.archive import (
    archive_deployment,
    find_archived,
    list_archived,
    newest_archived,
    search_archived,
)
from app.usecases.lifecycle.purge import purge_archived
from app.usecases.lifecycle.restore import restore_archived
from app.usecases.operations.wait import wait_for
from app.web.api.calls import BEGINNING, CallTag, Example, call
from app.web.api.shapes import AcceptedAnswer, CallBody, OperationBody, Text, accepted
from app.web.lifecycle.confirm import second_click_ignored
from app.web.page.rendering import Tab, done, lead_to, render
from app.web.page.streams import PageParts, event_stream
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

bp = Blueprint("archive", __name__)
api_bp = Blueprint("archive_api", __name__, url_prefix="/api/deploy")


class ArchivedBody(CallBody):
    """Names an archived deployment."""

    deployment_id: Text = Field(
        description="The deployment's id, or the name of its folder in the archive."
    )


class PurgeBody(ArchivedBody):
    """Names an archived deployment to delete, with a confirmation."""

    confirm: Text = Field(description="The deployment's name, or its id if it has no name.")


class PurgingAnswer(Answer):
    """The deletion is still running."""

    http_status: ClassVar[int] = 202

    deployment_id: DeploymentId
    status: Literal["purging"] = "purging"


@bp.get("/archive")
@needs(Permission.VIEW)
def show() -> ResponseReturnValue:
    return render("lifecycle/archive_list", **_context(_asked()))


@bp.get("/archive/stream")
@needs(Permission.VIEW)
def stream() -> ResponseReturnValue:
    """Stream updates of the archive's page."""
    asked = _asked()

    def look() -> PageParts:
        return PageParts(
            {"archived": render_template("lifecycle/_archived.html", **_context(asked))}
        )

    return event_stream(look)


@bp.post("/deployments/<deployment_id>/archive")
@needs(Permission.OPERATE)
def archive(deployment_id: str) -> ResponseReturnValue:
    with second_click_ignored():
        archive_deployment(deployment_id, actor=actor(), context=app_context())
    return done("The deployment is being archived.", deployment_id)


@bp.post("/archive/<archived>/restore")
@needs(Permission.OPERATE)
def restore(archived: str) -> ResponseReturnValue:
    restored = restore_archived(archived, actor=actor(), context=app_context())
    flash(restored.words, "done")
    return lead_to(url_for("pages.show", deployment_id=restored.deployment.id))


@bp.get("/archive/<archived>/purge")
@needs(Permission.OPERATE)
def ask_to_purge(archived: str) -> ResponseReturnValue:
    return _question(archived)


@bp.post("/archive/<archived>/purge")
@needs(Permission.OPERATE)
def purge(archived: str) -> ResponseReturnValue:
    label = find_archived(archived, context=app_context()).label
    typed = request.form.get("confirm", "")
    try:
        gone = purge_archived(archived, typed, actor=actor(), context=app_context())
    except InputRejected as rejected:
        return _question(archived, rejected.fields, typed, 422)
    flash(f"“{label}” {'was deleted for good' if gone else 'is being deleted'}.", "done")
    return lead_to(url_for("archive.show"))


@api_bp.get("/archived")
@needs(Permission.VIEW)
@call(
    CallTag.ARCHIVE,
    "List the archive",
    example=Example([
        ArchivedShown(
            archived=f"{EXAMPLE_ID}-20261124T060000Z",
            deployment_id=EXAMPLE_ID,
            name="Support bot",
            port=30163,
            archived_at=EXAMPLE_TIME,
            archived_by="ada",
            purge_begun=False,
        )
    ]),
)  # fmt: skip
def list_all() -> list[ArchivedShown]:
    """Archived deployments, the latest archived first: who archived them, and when."""
    return [ArchivedShown.of(each) for each in list_archived(context=app_context())]


@api_bp.post("/archive")
@needs(Permission.OPERATE)
@call(
    CallTag.ARCHIVE,
    "Archive a deployment",
    example=Example(
        body=OperationBody(deployment_id=EXAMPLE_ID),
        answer=ArchivedAnswer(deployment_id=EXAMPLE_ID),
    ),
    errors=(*BEGINNING, ArchiveFailed, TooManyWaiting),
)
def archive_and_wait(body: OperationBody) -> ArchivedAnswer | AcceptedAnswer:
    """Stops the deployment and moves its folder to the archive. This frees its port."""
    started = archive_deployment(body.deployment_id, actor=actor(), context=app_context())
    if body.wait and wait_for(started, context=app_context()):
        return ArchivedAnswer(deployment_id=body.deployment_id)
    return accepted(started.operation, "stopping")


@api_bp.post("/restore")
@needs(Permission.OPERATE)
@call(
    CallTag.ARCHIVE,
    "Restore an archived deployment",
    example=Example(
        body=ArchivedBody(deployment_id=EXAMPLE_ID),
        answer=RestoredAnswer(deployment_id=EXAMPLE_ID, port=30163, remarks=[]),
    ),
    errors=(Busy, NotRestored),
)
def restore_by_script(body: ArchivedBody) -> RestoredAnswer:
    """The deployment keeps its port, or gets a free port if its own is taken. `remarks` says so."""
    restored = restore_archived(body.deployment_id, actor=actor(), context=app_context())
    deployment = restored.deployment
    return RestoredAnswer(
        deployment_id=deployment.id, port=deployment.port, remarks=list(restored.remarks)
    )


@api_bp.post("/purge")
@needs(Permission.OPERATE)
@call(
    CallTag.ARCHIVE,
    "Delete an archived deployment for good",
    example=Example(
        body=PurgeBody(deployment_id=EXAMPLE_ID, confirm="Support bot"),
        answer=PurgedAnswer(deployment_id=EXAMPLE_ID),
    ),
    errors=(Busy, NotPurged),
)
def purge_by_script(body: PurgeBody) -> PurgedAnswer | PurgingAnswer:
    """Only an archived deployment can be deleted. If a deletion fails midway, repeat the call."""
    archived = find_archived(body.deployment_id, context=app_context())
    gone = purge_archived(archived.name, body.confirm, actor=actor(), context=app_context())
    return (PurgedAnswer if gone else PurgingAnswer)(deployment_id=archived.deployment.id)


def to_archived(deployment_id: str) -> ResponseReturnValue:
    """Redirect from a deployment's page to its row in the archive.

    Raises NotFound if the deployment is not in the archive either.
    """
    newest = newest_archived(deployment_id, context=app_context())
    if newest is None:
        raise NotFound(
            f"There is no deployment {deployment_id}."
            " It may have been removed. The list shows all deployments."
        )
    return redirect(url_for("archive.show", _anchor=newest), code=303)


def _asked() -> str:
    return str(request.args.get("q", ""))[:100].strip()


def _context(asked: str) -> dict[str, Any]:
    found = search_archived(asked, context=app_context())
    return {
        "tab": Tab("Archive"),
        "asked": asked,
        "total": len(list_archived(context=app_context())) if asked else len(found),
        "rows": [(each, app_context().sizes.of(each.folder)) for each in found],
    }


def _question(
    name: str, errors: dict[str, str] | None = None, typed: str = "", status: int = 200
) -> Response:
    archived = find_archived(name, context=app_context())
    return render(
        "lifecycle/purge",
        status,
        tab=f"Delete {archived.label}",
        archived=archived,
        errors=errors or {},
        typed=typed,
    )
