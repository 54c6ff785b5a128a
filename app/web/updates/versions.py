"""Versions: which image each deployment runs, and updates of several deployments."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from pydantic import Field

from app.core.answers import EXAMPLE_ID, DeploymentId
from app.core.errors import Busy, DeploymentInvalid, InputRejected, NotFound, NothingToCancel
from app.core.operations.operation import OperationState
from app.core.people import Permission
from app.usecases.status.overview import list_deployments
from app.usecases.updates.answers import BatchAnswer
from app.usecases.updates.update_many import cancel_rest, find_batch, latest_batch, update_many
from app.usecases.updates.versions import VersionShown, images_like, version_of
from app.web.api.calls import CallTag, Example, call
from app.web.api.shapes import EXAMPLE_OPERATION, CallBody, Text
from app.web.page.rendering import Tab, lead_to, render
from app.web.page.streams import PageParts, event_stream
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

bp = Blueprint("versions", __name__, url_prefix="/updates")
api_bp = Blueprint("versions_api", __name__, url_prefix="/api/deploy")


@bp.get("")
@needs(Permission.VIEW)
def show() -> ResponseReturnValue:
    return _page()


@bp.get("/stream")
@needs(Permission.VIEW)
def stream() -> ResponseReturnValue:
    """Stream updates of the versions page."""

    def look() -> PageParts:
        context = _context()
        parts = {"batch": render_template("updates/_batch.html", **context)}
        for each in context["versions"]:
            cell = render_template("updates/_runs.html", version=each)
            parts[f"runs-{each.view.deployment.id}"] = cell
        return PageParts(parts)

    return event_stream(look)


@bp.post("")
@needs(Permission.OPERATE)
def update_chosen() -> ResponseReturnValue:
    chosen, image = request.form.getlist("id"), request.form.get("image", "")
    try:
        batch = update_many(chosen, image, actor=actor(), context=app_context())
    except InputRejected as rejected:
        return _page(422, chosen=chosen, typed=image, errors=rejected.fields)
    flash(f"The update of {len(batch.ids)} deployments has started.", "done")
    return lead_to(url_for("versions.show"))


@bp.post("/<int:number>/cancel")
@needs(Permission.OPERATE)
def cancel(number: int) -> ResponseReturnValue:
    cancel_rest(number, actor=actor(), context=app_context())
    flash("The deployments that still wait will not be updated.", "done")
    return lead_to(url_for("versions.show"))


def _page(status: int = 200, **more: Any) -> Response:
    given = {"chosen": (), "typed": None, "errors": {}, **more}
    return render("updates/versions", status, **_context(), **given)


def _context() -> dict[str, Any]:
    views = sorted(
        list_deployments(app_context()), key=lambda each: each.deployment.name.casefold()
    )
    versions = [version_of(each, context=app_context()) for each in views]
    return {
        "tab": Tab.of("Versions", [each.report.status for each in views]),
        "versions": versions,
        "names": {each.deployment.id: each.deployment.name for each in views},
        "images": _images(versions),
        "batch": latest_batch(context=app_context()),
    }


def _images(versions: Sequence[VersionShown]) -> list[str]:
    names = {each.name for each in versions if each.name}
    return sorted({like for name in names for like in images_like(name, context=app_context())})


class UpdateManyBody(CallBody):
    """Names several deployments and their new image."""

    deployment_ids: list[DeploymentId] = Field(description="In the order of the updates.")
    image: Text = Field(description="The image's name with tag or digest.")


class BatchBody(CallBody):
    """Names an update of several deployments."""

    id: int


class StartedBatchAnswer(BatchAnswer):
    """The update of several deployments is running."""

    http_status = 202


_EXAMPLE: dict[str, Any] = {
    "id": 1,
    "image": "ghcr.io/openclaw/openclaw:2026.9.6",
    "state": OperationState.RUNNING,
    "actor": "ada",
    "started_at": EXAMPLE_OPERATION.started_at,
    "ended_at": None,
    "reason": "",
    "cancelled_by": "",
    "deployment_ids": [EXAMPLE_ID],
    "operations": {EXAMPLE_ID: 3},
}


@api_bp.post("/update_many")
@needs(Permission.OPERATE)
@call(
    CallTag.LIFECYCLE,
    "Update several deployments",
    example=Example(
        body=UpdateManyBody(deployment_ids=[EXAMPLE_ID], image=_EXAMPLE["image"]),
        answer=StartedBatchAnswer(**_EXAMPLE),
    ),
    errors=(NotFound, Busy, DeploymentInvalid),
)
def begin(body: UpdateManyBody) -> StartedBatchAnswer:
    """Each is updated in turn and verified or rolled back. The batch stops at the first failure.
    It continues even if the server stops."""
    batch = update_many(body.deployment_ids, body.image, actor=actor(), context=app_context())
    return StartedBatchAnswer.of(batch)


@api_bp.get("/update_many/<int:number>")
@needs(Permission.VIEW)
@call(
    CallTag.LIFECYCLE,
    "Show an update of several deployments",
    example=Example(path={"number": 1}, answer=BatchAnswer(**_EXAMPLE)),
)
def one(number: int) -> BatchAnswer:
    """The progress of the update, and the reason for its end."""
    return BatchAnswer.of(find_batch(number, context=app_context()))


@api_bp.post("/update_many/cancel")
@needs(Permission.OPERATE)
@call(
    CallTag.LIFECYCLE,
    "Cancel the rest of an update of several deployments",
    example=Example(body=BatchBody(id=1), answer=BatchAnswer(**_EXAMPLE)),
    errors=(NotFound, NothingToCancel),
)
def cancel_by_script(body: BatchBody) -> BatchAnswer:
    """Deployments that wait for their turn stay as they are. The running update continues."""
    return BatchAnswer.of(cancel_rest(body.id, actor=actor(), context=app_context()))
