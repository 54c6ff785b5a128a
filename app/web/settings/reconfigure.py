"""Changing a deployment's settings: the edit form and the API call.

The form is filled from the deployment's files. If the files change after that, the
form is rejected.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flask import Blueprint, Response, flash
from flask import url_for as url
from flask.typing import ResponseReturnValue
from htmx_flask import request
from pydantic import ConfigDict, Field

from app.core.answers import EXAMPLE_ID
from app.core.deployment import parse_id
from app.core.errors import (
    InputRejected,
    NothingToUndo,
    ReconfigureFailed,
    StaleForm,
    TooManyWaiting,
    UserError,
    WasCancelled,
)
from app.core.people import Permission
from app.core.secrets import masked_hint
from app.core.settings.fields import FIELDS, TOKEN
from app.core.settings.file_changes import label_of
from app.core.status.status import Status
from app.usecases.operations.start import Started
from app.usecases.operations.wait import wait_for
from app.usecases.settings.answers import PreviewAnswer, ReconfiguredAnswer
from app.usecases.settings.change_request import (
    ChangeRequest,
    refresh_stale_request,
    unchanged_request,
)
from app.usecases.settings.check_fields import FieldMessage, hints_about
from app.usecases.settings.reconfigure import (
    reconfigure_deployment,
    reconfigured,
    resume_reconfiguration,
)
from app.usecases.settings.reconfigure_plan import ReconfigurePlan, plan_reconfiguration
from app.usecases.status.overview import show_deployment
from app.web.api.calls import BEGINNING, CallTag, Example, call
from app.web.api.shapes import AcceptedAnswer, OperationBody, accepted, with_fields
from app.web.page.rendering import done, lead_to, render, render_fragment, show_above_form
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context, wants_fragment
from app.web.settings.form import form_context, sent_fields

bp = Blueprint("edit", __name__, url_prefix="/deployments/<deployment_id>")
api_bp = Blueprint("reconfigure_api", __name__, url_prefix="/api/deploy")

# The form's other inputs, which are not fields of a deployment.
_NO_FIELDS = ("csrf_token", "seen", "remove", "then")


@dataclass(frozen=True, slots=True)
class _Rejection:
    """Why a form was rejected.

    `stale` are the labels of fields that somebody else changed after the form was opened.
    `conflicts` are messages for fields that somebody else and the form both changed.
    """

    errors: Mapping[str, str] | None = None
    stale: tuple[str, ...] = ()
    conflicts: Mapping[str, str] | None = None
    status: int = 200


@bp.get("/edit")
@bp.get("/edit/preview", endpoint="edit_again")
@needs(Permission.OPERATE)
def show(deployment_id: str) -> ResponseReturnValue:
    return _show(deployment_id, unchanged_request(deployment_id, context=app_context()))


@bp.post("/edit")
@needs(Permission.OPERATE)
def edit(deployment_id: str) -> ResponseReturnValue:
    parse_id(deployment_id)
    change, then = _sent(), "restart" if request.form.get("then") == "restart" else "save"
    try:
        started = reconfigure_deployment(
            deployment_id, change, then, actor=actor(), context=app_context()
        )
    except InputRejected as rejected:
        return _show(deployment_id, change, _Rejection(rejected.fields, status=422))
    except StaleForm as stale:
        change, conflicts = refresh_stale_request(deployment_id, change, context=app_context())
        labels = tuple(map(label_of, stale.changed))
        return _show(deployment_id, change, _Rejection(None, labels, conflicts, stale.status))
    except UserError as refusal:
        show_above_form(refusal)
        return _show(deployment_id, change, _Rejection(status=refusal.status))
    if started is None:
        flash("Nothing was changed: the deployment already has these settings.", "done")
    return lead_to(url("pages.show", deployment_id=deployment_id))


@bp.post("/edit/check")
@needs(Permission.OPERATE)
def check(deployment_id: str) -> ResponseReturnValue:
    """Return the message for the field that the person has just left."""
    if not wants_fragment():
        return _show(deployment_id, _sent())
    given = _sent().given
    plan, errors = _plan(deployment_id, ChangeRequest(given))
    message = _messages(plan, errors).get(next(iter(given), ""), FieldMessage())
    return render_fragment("settings/message", message=message)


@bp.post("/edit/preview")
@needs(Permission.OPERATE)
def preview(deployment_id: str) -> ResponseReturnValue:
    if not wants_fragment():
        return _show(deployment_id, _sent())
    plan, _ = _plan(deployment_id, ChangeRequest(_sent().given, _sent().remove))
    return render_fragment("settings/edit_preview", plan=plan)


@bp.post("/edit/port")
@needs(Permission.OPERATE)
def use_port(deployment_id: str) -> ResponseReturnValue:
    """Change the port and launch the deployment."""
    change = ChangeRequest({"port": request.form.get("port", "")})
    reconfigure_deployment(deployment_id, change, "launch", actor=actor(), context=app_context())
    return done("The deployment is being launched with another port.", deployment_id)


@bp.post("/edit/resume")
@needs(Permission.OPERATE)
def resume(deployment_id: str) -> ResponseReturnValue:
    """Finish or undo an interrupted change."""
    finish = request.form.get("verb") == "finish"
    verb = "finish" if finish else "undo"
    resume_reconfiguration(deployment_id, verb, actor=actor(), context=app_context())
    return done(f"The change is being {'finished' if finish else 'undone'}.", deployment_id)


def _sent() -> ChangeRequest:
    return ChangeRequest(
        sent_fields(_NO_FIELDS), tuple(request.form.getlist("remove")), request.form.get("seen", "")
    )


def _plan(
    deployment_id: str, change: ChangeRequest
) -> tuple[ReconfigurePlan | None, Mapping[str, str]]:
    """Return the plan of a change, or its errors by field name."""
    try:
        return plan_reconfiguration(deployment_id, change, context=app_context()), {}
    except InputRejected as rejected:
        return None, rejected.fields


def _messages(plan: ReconfigurePlan | None, errors: Mapping[str, str]) -> dict[str, FieldMessage]:
    """Return the errors if there are any, else the hints about changed fields."""
    if plan is None:
        return {name: FieldMessage(error) for name, error in errors.items()}
    changed = {each.name: each.after for each in plan.changes if each.field and each.after}
    hints = hints_about(changed, context=app_context())
    return {name: FieldMessage(hint=words) for name, words in hints.items()}


def _show(
    deployment_id: str, change: ChangeRequest, rejection: _Rejection = _Rejection()
) -> Response:
    """Show the form with the typed values, except secrets."""
    view = show_deployment(deployment_id, context=app_context())
    plan, errors = _plan(deployment_id, ChangeRequest(change.given, change.remove))
    messages = _messages(plan, {**errors, **(rejection.errors or {})})
    conflicts = rejection.conflicts or {}
    for name, words in conflicts.items():
        messages[name] = FieldMessage(messages.get(name, FieldMessage()).error, words)
    changed = [each.name for each in (plan.changes if plan else ())]
    return render(
        "settings/edit",
        rejection.status,
        tab=f"Edit {view.deployment.label}",
        view=view,
        form=change,
        rejected=rejection.errors is not None,
        stale=rejection.stale,
        kept=_kept_secrets(view.deployment.env),
        removing=change.remove,
        runs=bool(view.gateway and view.gateway.is_up),
        plan=plan,
        **form_context(change.given, messages, [*conflicts, *changed]),
    )


def _kept_secrets(env: Mapping[str, str]) -> dict[str, str]:
    """Return masked hints of the present secrets by field name. An empty input keeps a secret."""
    return {
        each.name: masked_hint(env[each.env])
        for each in FIELDS
        if each.secret and each is not TOKEN and env.get(each.env)
    }


class ReconfigureBody(OperationBody):
    """The changes to a deployment. Each field of the schema is a key too.

    A missing field keeps its value. An empty secret also keeps its value.
    """

    model_config = ConfigDict(extra="allow", json_schema_extra=with_fields)

    remove: list[str] = Field([], description="Optional fields to empty.")
    restart: bool = Field(
        True, description="Restart a running gateway if its container changes; false only saves."
    )
    launch: bool = Field(False, description="Launch the deployment if it is not running.")
    preview: bool = Field(False, description="Only show the change; do not make it.")
    seen: str = Field(
        "", description="The `seen` of a preview; refused if the files changed after it."
    )
    resume: Literal["", "finish", "undo"] = Field(
        "", description="Finish or undo an interrupted reconfiguration; send no other fields."
    )


@api_bp.post("/reconfigure")
@needs(Permission.OPERATE)
@call(
    CallTag.DEPLOYMENTS,
    "Change a deployment",
    example=Example(
        body=ReconfigureBody.model_validate({"deployment_id": EXAMPLE_ID, "name": "Sales bot"}),
        answer=ReconfiguredAnswer(
            deployment_id=EXAMPLE_ID, status=Status.RUNNING, port=30163, changed=["name"]
        ),
    ),
    errors=(*BEGINNING, StaleForm, NothingToUndo, ReconfigureFailed, WasCancelled, TooManyWaiting),
)
def reconfigure(body: ReconfigureBody) -> ReconfiguredAnswer | PreviewAnswer | AcceptedAnswer:
    """Any field can be changed, also the port. A running gateway is restarted with the change,
    and the call waits as launch does. If the gateway does not start, the change is rolled back.
    Comments and order in `.env` stay. In `docker-compose.yml` only the network changes, and only
    if the port changes."""
    if body.resume:
        resumed = resume_reconfiguration(
            body.deployment_id, body.resume, actor=actor(), context=app_context()
        )
        return _answered(body, resumed)
    change = ChangeRequest(dict(body.model_extra or {}), tuple(body.remove), body.seen)
    if body.preview:
        plan = plan_reconfiguration(body.deployment_id, change, context=app_context())
        return PreviewAnswer.of(plan)
    then = "launch" if body.launch else "restart" if body.restart else "save"
    started = reconfigure_deployment(
        body.deployment_id, change, then, actor=actor(), context=app_context()
    )
    return _answered(body, started)


def _answered(
    body: ReconfigureBody, started: Started | None
) -> ReconfiguredAnswer | AcceptedAnswer:
    """Answer with the outcome, or 202 while the operation runs. None means: nothing to change."""
    if started and not (body.wait and wait_for(started, context=app_context())):
        return accepted(started.operation, "launching")
    return reconfigured(body.deployment_id, started, context=app_context())
