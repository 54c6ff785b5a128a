"""Updates one deployment to another image, or goes back to its previous version."""

from flask import Blueprint, Response, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from pydantic import Field

from app.core.answers import EXAMPLE_ID
from app.core.errors import (
    InputRejected,
    NoPreviousVersion,
    TooManyWaiting,
    UpdateFailed,
    WasCancelled,
)
from app.core.people import Permission
from app.usecases.operations.start import Started
from app.usecases.operations.wait import wait_for
from app.usecases.status.overview import show_deployment
from app.usecases.updates.answers import UpdatedAnswer
from app.usecases.updates.update import go_back, update_deployment
from app.usecases.updates.versions import images_like, version_of
from app.web.api.calls import BEGINNING, CallTag, Example, call
from app.web.api.shapes import AcceptedAnswer, OperationBody, Text, accepted
from app.web.lifecycle.confirm import second_click_ignored
from app.web.page.rendering import done, render
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context, own_path

bp = Blueprint("updates", __name__)
api_bp = Blueprint("updates_api", __name__, url_prefix="/api/deploy")

# The first words of each question's title.
_TITLES = {"update": "Update", "go_back": "Go back"}
_NEWER = "ghcr.io/openclaw/openclaw:2026.9.6"
_UPDATING = (*BEGINNING, UpdateFailed, WasCancelled, TooManyWaiting)


class UpdateBody(OperationBody):
    """Names a deployment and its new image."""

    image: Text = Field(description="The image's name with tag or digest.")


_UPDATED = UpdatedAnswer(deployment_id=EXAMPLE_ID, port=30163, image=_NEWER)


@bp.get("/deployments/<deployment_id>/update")
@needs(Permission.OPERATE)
def ask(deployment_id: str) -> ResponseReturnValue:
    return _question("update", deployment_id)


@bp.post("/deployments/<deployment_id>/update")
@needs(Permission.OPERATE)
def update(deployment_id: str) -> ResponseReturnValue:
    image = request.form.get("image", "")
    try:
        with second_click_ignored():
            update_deployment(deployment_id, image, actor=actor(), context=app_context())
    except InputRejected as rejected:
        return _question("update", deployment_id, image, rejected.fields["image"])
    return done("The update has started.", deployment_id)


@bp.get("/deployments/<deployment_id>/go-back")
@needs(Permission.OPERATE)
def ask_to_go_back(deployment_id: str) -> ResponseReturnValue:
    return _question("go_back", deployment_id)


@bp.post("/deployments/<deployment_id>/go-back")
@needs(Permission.OPERATE)
def to_version_before(deployment_id: str) -> ResponseReturnValue:
    with second_click_ignored():
        go_back(deployment_id, actor=actor(), context=app_context())
    return done("The deployment is going back to the previous version.", deployment_id)


def _question(what: str, deployment_id: str, typed: str | None = None, error: str = "") -> Response:
    view = show_deployment(deployment_id, context=app_context())
    page = url_for("pages.show", deployment_id=deployment_id)
    return render(
        f"updates/{what}",
        422 if error else 200,
        tab=f"{_TITLES[what]} {view.deployment.label}",
        view=view,
        version=version_of(view, context=app_context()),
        typed=view.image if typed is None else typed,
        images=images_like(view.image, context=app_context()),
        error=error,
        back_to=own_path(request.values.get("back_to", ""), page),
    )


@api_bp.post("/update")
@needs(Permission.OPERATE)
@call(
    CallTag.LIFECYCLE,
    "Update a deployment",
    example=Example(body=UpdateBody(deployment_id=EXAMPLE_ID, image=_NEWER), answer=_UPDATED),
    errors=_UPDATING,
)
def update_by_script(body: UpdateBody) -> UpdatedAnswer | AcceptedAnswer:
    """The image is pulled while the gateway still runs. Then the gateway is stopped, its state is
    backed up, and it is started and verified with the new image. If that fails, image and state
    are restored, and the answer says why. The call waits as launch does."""
    started = update_deployment(
        body.deployment_id, body.image, actor=actor(), context=app_context()
    )
    return _answer(started, wait=body.wait)


@api_bp.post("/go_back")
@needs(Permission.OPERATE)
@call(
    CallTag.LIFECYCLE,
    "Go back to the previous version",
    example=Example(body=OperationBody(deployment_id=EXAMPLE_ID), answer=_UPDATED),
    errors=(*_UPDATING, NoPreviousVersion),
)
def go_back_by_script(body: OperationBody) -> UpdatedAnswer | AcceptedAnswer:
    """Restores image and state as they were before the last update. The present state is backed
    up, so a second call undoes the first."""
    started = go_back(body.deployment_id, actor=actor(), context=app_context())
    return _answer(started, wait=body.wait)


def _answer(started: Started, *, wait: bool) -> UpdatedAnswer | AcceptedAnswer:
    operation = started.operation
    if not (wait and wait_for(started, context=app_context())):
        return accepted(operation, "launching")
    return UpdatedAnswer(
        deployment_id=operation.deployment_id,
        port=app_context().store.load(operation.deployment_id).port,
        image=operation.arguments["image"],
    )
