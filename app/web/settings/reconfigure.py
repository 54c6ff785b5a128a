"""Changing a deployment: the call of the JSON API."""

from typing import Literal

from flask import Blueprint
from pydantic import ConfigDict, Field

from app.core.answers import EXAMPLE_ID, Answer, AnswerPart, DeploymentId
from app.core.deployment import parse_id
from app.core.errors import (
    NothingToUndo,
    ReconfigureFailed,
    StaleForm,
    TooManyWaiting,
    WasCancelled,
)
from app.core.people import Permission
from app.core.status.status import Status
from app.usecases.operations.start import Started
from app.usecases.settings.change_request import ChangeRequest
from app.usecases.settings.reconfigure import (
    describe_reconfigured,
    reconfigure_deployment,
    resume_reconfiguration,
    wait_for_reconfigured,
)
from app.usecases.settings.reconfigure_plan import describe_plan, plan_reconfiguration
from app.web.api.calls import BEGINNING, Example, Subject, call
from app.web.api.shapes import Accepted, WaitFor, accepted, with_fields
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

api_bp = Blueprint("reconfigure_api", __name__, url_prefix="/api/deploy")


class Wished(WaitFor):
    """What is to be changed: beside these, fields by their names in the schema.

    A field that is not given stays, and so does a secret that is given empty.
    """

    model_config = ConfigDict(extra="allow", json_schema_extra=with_fields)

    remove: list[str] = Field([], description="Optional fields that are to have no value.")
    restart: bool = Field(
        True, description="Restart what runs where its container would differ; false only saves."
    )
    launch: bool = Field(False, description="Launch it where it does not run.")
    preview: bool = Field(False, description="Only tell what would be changed.")
    seen: str = Field(
        "", description="A preview's `seen`: refused where the files were changed since then."
    )
    resume: Literal["", "finish", "undo"] = Field(
        "", description="Finish or undo one that is left half done; nothing else is given then."
    )


class ChangeShown(AnswerPart):
    """A variable that gets another value; a secret's own values are null."""

    field: str = Field(description="The field's name, or the variable's where it is no field.")
    env: str
    what: Literal["added", "changed", "removed"]
    before: str | None
    after: str | None


class Previewed(Answer):
    """What a reconfiguration would do."""

    deployment_id: DeploymentId
    changes: list[ChangeShown]
    runs: bool | None = Field(description="Whether it runs; null where the engine does not say.")
    restart: list[str] = Field(description="What the running container would have differently.")
    diff: str = Field(description="How docker-compose.yml would differ; secrets are masked.")
    by_hand: list[str] = Field(description="What is left to be done by hand, in sentences.")
    seen: str = Field(description="Stands for the files as they are now, to be sent along.")


class Reconfigured(Answer):
    """It is as wished, and what was running is proven to run."""

    deployment_id: DeploymentId
    status: Status
    port: int | None
    changed: list[str] = Field(description="The fields that were changed; none if all were so.")


@api_bp.post("/reconfigure")
@needs(Permission.OPERATE)
@call(
    Subject.DEPLOYMENTS,
    "Changes a deployment",
    example=Example(
        body=Wished.model_validate({"deployment_id": EXAMPLE_ID, "name": "Sales bot"}),
        answer=Reconfigured(
            deployment_id=EXAMPLE_ID, status=Status.RUNNING, port=30163, changed=["name"]
        ),
    ),
    errors=(*BEGINNING, StaleForm, NothingToUndo, ReconfigureFailed, WasCancelled, TooManyWaiting),
)
def reconfigure(body: Wished) -> Reconfigured | Previewed | Accepted:
    """Any field, the port too. What runs is restarted with it, and waited for as launch does;
    where it does not come up, files and gateway are put back as they were. Comments and order
    of `.env` stay, and of `docker-compose.yml` only the network follows the port."""
    deployment_id = parse_id(body.deployment_id)
    if body.resume:
        return _done(deployment_id, _resumed(deployment_id, body), body.wait)
    request = ChangeRequest(dict(body.model_extra or {}), tuple(body.remove), body.seen)
    if body.preview:
        plan = plan_reconfiguration(deployment_id, request, context=app_context())
        return Previewed.model_validate(describe_plan(plan))
    then = "launch" if body.launch else "restart" if body.restart else "save"
    started = reconfigure_deployment(
        deployment_id, request, then, actor=actor(), context=app_context()
    )
    return _done(deployment_id, started, body.wait)


def _resumed(deployment_id: str, body: Wished) -> Started:
    return resume_reconfiguration(deployment_id, body.resume, actor=actor(), context=app_context())


def _done(deployment_id: str, started: Started | None, wait: bool) -> Reconfigured | Accepted:
    """Answer how it ended, or that it goes on; nothing was to be done where nothing was started."""
    if started and not (wait and wait_for_reconfigured(started, context=app_context())):
        return accepted(started.operation, "launching")
    described = describe_reconfigured(deployment_id, started, context=app_context())
    return Reconfigured.model_validate(described)
