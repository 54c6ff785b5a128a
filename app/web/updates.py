"""Updates: one deployment to another image, or back to the version before."""

from typing import Literal

from flask import Blueprint
from pydantic import Field

from app.core.deployment import parse_id
from app.core.errors import NothingKept, TooManyWaiting, UpdateFailed, WasCancelled
from app.core.people import Permission
from app.usecases.operations import Started
from app.usecases.update import go_back, update_deployment, wait_for_update
from app.web.access import needs
from app.web.calls import BEGINNING, Example, Subject, call
from app.web.request import actor, world
from app.web.shapes import (
    EXAMPLE_ID,
    Accepted,
    Answer,
    DeploymentId,
    Text,
    WaitFor,
    accepted,
)

api_bp = Blueprint("updates_api", __name__, url_prefix="/api/deploy")

_NEWER = "ghcr.io/openclaw/openclaw:2026.9.6"
_UPDATING = (*BEGINNING, UpdateFailed, WasCancelled, TooManyWaiting)


class UpdateTo(WaitFor):
    """Names a deployment and the image that it is to run."""

    image: Text = Field(description="Its name, with a tag or digest.")


class Updated(Answer):
    """It runs on that image: proven, as by a launch."""

    deployment_id: DeploymentId
    status: Literal["running"] = "running"
    port: int | None
    image: str = Field(description="The name of the image that it runs now.")


_UPDATED = Updated(deployment_id=EXAMPLE_ID, port=30163, image=_NEWER)


@api_bp.post("/update")
@needs(Permission.OPERATE)
@call(
    Subject.RUNNING,
    "Updates a deployment",
    example=Example(body=UpdateTo(deployment_id=EXAMPLE_ID, image=_NEWER), answer=_UPDATED),
    errors=_UPDATING,
)
def update_by_script(body: UpdateTo) -> Updated | Accepted:
    """The image is pulled while the gateway still runs. Then the gateway is stopped, its state
    is set aside, and it has to be proven with the new image; else it is back on the image and
    the state that it had, and the answer says why. It waits as launch does."""
    started = update_deployment(
        parse_id(body.deployment_id), body.image, actor=actor(), world=world()
    )
    return _answer(started, wait=body.wait)


@api_bp.post("/go_back")
@needs(Permission.OPERATE)
@call(
    Subject.RUNNING,
    "Goes back to the version before",
    example=Example(body=WaitFor(deployment_id=EXAMPLE_ID), answer=_UPDATED),
    errors=(*_UPDATING, NothingKept),
)
def go_back_by_script(body: WaitFor) -> Updated | Accepted:
    """It is an update to the image before the last update, with the state of that moment. What
    happened since is set aside, so that going back once more undoes this."""
    started = go_back(parse_id(body.deployment_id), actor=actor(), world=world())
    return _answer(started, wait=body.wait)


def _answer(started: Started, *, wait: bool) -> Updated | Accepted:
    operation = started.operation
    if not (wait and wait_for_update(started, world=world())):
        return accepted(operation, "launching")
    return Updated(
        deployment_id=operation.deployment_id,
        port=world().store.load(operation.deployment_id).port,
        image=operation.arguments["image"],
    )
