"""The form that changes a deployment: made from its files, previewed, sent, refused where stale."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, flash
from flask import url_for as url
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.deployment import parse_id
from app.core.errors import InputRejected, StaleForm, UserError
from app.core.people import Permission
from app.core.secrets import masked_hint
from app.core.settings.fields import FIELDS, TOKEN
from app.core.settings.file_changes import label_of
from app.usecases.settings.change_request import (
    ChangeRequest,
    refresh_stale_request,
    unchanged_request,
)
from app.usecases.settings.check_fields import FieldMessage, hints_about
from app.usecases.settings.choices import choices
from app.usecases.settings.configure import field_defaults
from app.usecases.settings.reconfigure import reconfigure_deployment, resume_reconfiguration
from app.usecases.settings.reconfigure_plan import ReconfigurePlan, plan_reconfiguration
from app.usecases.status.overview import show_deployment
from app.web.page.rendering import done, lead_to, render, render_content, told_above_form
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context, wants_fragment
from app.web.settings.configure import FORM_SECTIONS

bp = Blueprint("edit", __name__, url_prefix="/deployments/<deployment_id>")

# What the form sends beside the fields.
_NO_FIELDS = ("csrf_token", "seen", "remove", "then")


@dataclass(frozen=True, slots=True)
class _Rejection:
    """Why a form was not taken: what is wrong, or what was changed meanwhile."""

    errors: Mapping[str, str] | None = None
    stale: tuple[str, ...] = ()
    doubts: Mapping[str, str] | None = None
    status: int = 200


@bp.get("/edit")
@bp.get("/edit/preview", endpoint="edit_again")
@needs(Permission.OPERATE)
def show(deployment_id: str) -> ResponseReturnValue:
    parse_id(deployment_id)
    return _show(deployment_id, unchanged_request(deployment_id, context=app_context()))


@bp.post("/edit")
@needs(Permission.OPERATE)
def edit(deployment_id: str) -> ResponseReturnValue:
    parse_id(deployment_id)
    wish, then = _sent(), "restart" if request.form.get("then") == "restart" else "save"
    try:
        started = reconfigure_deployment(
            deployment_id, wish, then, actor=actor(), context=app_context()
        )
    except InputRejected as rejected:
        return _show(deployment_id, wish, _Rejection(rejected.fields, status=422))
    except StaleForm as stale:
        wish, doubts = refresh_stale_request(deployment_id, wish, context=app_context())
        labels = tuple(map(label_of, stale.changed))
        return _show(deployment_id, wish, _Rejection(None, labels, doubts, stale.status))
    except UserError as refusal:
        told_above_form(refusal)
        return _show(deployment_id, wish, _Rejection(status=refusal.status))
    if started is None:
        flash("Nothing was changed: it is like that already.", "done")
    return lead_to(url("pages.show", deployment_id=deployment_id))


@bp.post("/edit/check")
@needs(Permission.OPERATE)
def check(deployment_id: str) -> ResponseReturnValue:
    """Say what is to be said of the field that was left."""
    parse_id(deployment_id)
    wish = ChangeRequest(_sent().given)
    if not wants_fragment():
        return _show(deployment_id, _sent())
    name = next(iter(wish.given), "")
    plan, errors = _planned(deployment_id, wish)
    said = _said(plan, errors).get(name, FieldMessage())
    return render_content("settings/said", about=said)


@bp.post("/edit/preview")
@needs(Permission.OPERATE)
def preview(deployment_id: str) -> ResponseReturnValue:
    parse_id(deployment_id)
    if not wants_fragment():
        return _show(deployment_id, _sent())
    plan, _ = _planned(deployment_id, ChangeRequest(_sent().given, _sent().remove))
    return render_content("settings/edit_preview", plan=plan)


@bp.post("/edit/port")
@needs(Permission.OPERATE)
def use_port(deployment_id: str) -> ResponseReturnValue:
    """Take another port, and launch with it."""
    parse_id(deployment_id)
    wish = ChangeRequest({"port": request.form.get("port", "")})
    reconfigure_deployment(deployment_id, wish, "launch", actor=actor(), context=app_context())
    return done("It is launched with another port.", deployment_id)


@bp.post("/edit/resume")
@needs(Permission.OPERATE)
def resume(deployment_id: str) -> ResponseReturnValue:
    """Finish or undo a change that is left half done."""
    parse_id(deployment_id)
    verb = "finish" if request.form.get("verb") == "finish" else "undo"
    resume_reconfiguration(deployment_id, verb, actor=actor(), context=app_context())
    return done("It has begun.", deployment_id)


def _sent() -> ChangeRequest:
    return ChangeRequest(
        {name: value for name, value in request.form.items() if name not in _NO_FIELDS},
        tuple(request.form.getlist("remove")),
        request.form.get("seen", ""),
    )


def _planned(
    deployment_id: str, wish: ChangeRequest
) -> tuple[ReconfigurePlan | None, Mapping[str, str]]:
    """Return what a wish comes to, or what is wrong with it."""
    try:
        return plan_reconfiguration(deployment_id, wish, context=app_context()), {}
    except InputRejected as rejected:
        return None, rejected.fields


def _said(plan: ReconfigurePlan | None, errors: Mapping[str, str]) -> dict[str, FieldMessage]:
    """Return what is said beside the fields: of those that were changed alone."""
    if plan is None:
        return {name: FieldMessage(error) for name, error in errors.items()}
    changed = {each.name: each.after for each in plan.changes if each.field and each.after}
    hints = hints_about(changed, context=app_context())
    return {name: FieldMessage(hint=words) for name, words in hints.items()}


def _show(deployment_id: str, wish: ChangeRequest, refused: _Rejection = _Rejection()) -> Response:
    """Show the form with what was typed, secrets aside."""
    view = show_deployment(deployment_id, context=app_context())
    env = view.deployment.env
    plan, errors = _planned(deployment_id, ChangeRequest(wish.given, wish.remove))
    said = _said(plan, {**errors, **(refused.errors or {})})
    doubts = refused.doubts or {}
    said |= {
        name: FieldMessage(said.get(name, FieldMessage()).error, words)
        for name, words in doubts.items()
    }
    secrets = {each.name for each in FIELDS if each.secret}
    typed_secrets = [name for name in wish.given if name in secrets and wish.given[name]]
    # HTMX leaves the fields of secrets as they are in the page.
    again = set() if wants_fragment() else set(typed_secrets)
    labels = {each.name: each.label for fields in FORM_SECTIONS.values() for each in fields}
    wrong = {
        name: said[name].error for name in [*labels, *said] if name in said and said[name].error
    }
    touched = {*wrong, *again, *doubts, *(each.name for each in (plan.changes if plan else ()))}
    return render(
        "settings/edit",
        refused.status,
        tab=f"Edit {view.deployment.name or view.deployment.id}",
        view=view,
        form=wish,
        rejected=refused.errors is not None,
        stale=refused.stale,
        sections=FORM_SECTIONS,
        unfolded={
            section
            for section, fields in FORM_SECTIONS.items()
            if touched & {each.name for each in fields}
        },
        typed={name: value for name, value in wish.given.items() if name not in secrets},
        kept={
            each.name: masked_hint(env[each.env])
            for each in FIELDS
            if each.secret and each is not TOKEN and env.get(each.env)
        },
        removing=wish.remove,
        said=said,
        again=again,
        wrong=wrong,
        first=next((name for name in labels if name in wrong or name in again), ""),
        labels=labels,
        defaults=field_defaults(app_context()),
        choices=choices(app_context()),
        runs=bool(view.gateway and view.gateway.is_up),
        plan=plan,
    )
