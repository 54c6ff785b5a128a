"""Changing a deployment: the call of the JSON API."""

from typing import Literal

from flask import Blueprint
from pydantic import ConfigDict, Field

from app.core.answers import EXAMPLE_ID
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
from app.usecases.settings.answers import PreviewAnswer, ReconfiguredAnswer
from app.usecases.settings.change_request import ChangeRequest
from app.usecases.settings.reconfigure import (
    reconfigure_deployment,
    reconfigured,
    resume_reconfiguration,
    wait_for_reconfigured,
)
from app.usecases.settings.reconfigure_plan import plan_reconfiguration
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


@api_bp.post("/reconfigure")
@needs(Permission.OPERATE)
@call(
    Subject.DEPLOYMENTS,
    "Changes a deployment",
    example=Example(
        body=Wished.model_validate({"deployment_id": EXAMPLE_ID, "name": "Sales bot"}),
        answer=ReconfiguredAnswer(
            deployment_id=EXAMPLE_ID, status=Status.RUNNING, port=30163, changed=["name"]
        ),
    ),
    errors=(*BEGINNING, StaleForm, NothingToUndo, ReconfigureFailed, WasCancelled, TooManyWaiting),
)
def reconfigure(body: Wished) -> ReconfiguredAnswer | PreviewAnswer | Accepted:
    """Any field, the port too. What runs is restarted with it, and waited for as launch does;
    where it does not come up, files and gateway are put back as they were. Comments and order
    of `.env` stay, and of `docker-compose.yml` only the network follows the port."""
    deployment_id = parse_id(body.deployment_id)
    if body.resume:
        return _done(deployment_id, _resumed(deployment_id, body), body.wait)
    request = ChangeRequest(dict(body.model_extra or {}), tuple(body.remove), body.seen)
    if body.preview:
        plan = plan_reconfiguration(deployment_id, request, context=app_context())
        return PreviewAnswer.of(plan)
    then = "launch" if body.launch else "restart" if body.restart else "save"
    started = reconfigure_deployment(
        deployment_id, request, then, actor=actor(), context=app_context()
    )
    return _done(deployment_id, started, body.wait)


def _resumed(deployment_id: str, body: Wished) -> Started:
    return resume_reconfiguration(deployment_id, body.resume, actor=actor(), context=app_context())


def _done(deployment_id: str, started: Started | None, wait: bool) -> ReconfiguredAnswer | Accepted:
    """Answer how it ended, or that it goes on; nothing was to be done where nothing was started."""
    if started and not (wait and wait_for_reconfigured(started, context=app_context())):
        return accepted(started.operation, "launching")
    return reconfigured(deployment_id, started, context=app_context())
