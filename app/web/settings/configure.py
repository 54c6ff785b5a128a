"""The configure form, its checks beside the fields, and its preview.

A secret is checked as every field is: its value goes to the server in the body of
the request, over the very connection that will carry it when the form is sent, and
the answer does not repeat it. So all rules stand in one place, and a token that
serves another gateway already is known before anything is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, flash, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.deployment import is_id, parse_id
from app.core.errors import FormAlreadySent, InputRejected, UserError
from app.core.people import Permission
from app.core.settings.field import Field, Section
from app.core.settings.fields import BY_NAME, FIELDS, SECTIONS, TOKEN
from app.usecases.lifecycle.launch import launch_deployment
from app.usecases.settings.check_fields import FieldMessage, check_field, check_fields, warnings_of
from app.usecases.settings.choices import choices
from app.usecases.settings.clone_settings import (
    CloneSource,
    cloneable_settings,
    with_cloned_settings,
)
from app.usecases.settings.configure import configure_deployment, field_defaults, new_form_id
from app.usecases.settings.preview import Preview, preview_files
from app.usecases.status.capacity import seen_room
from app.web.page.rendering import lead_to, render, render_content, told_above_form
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context, wants_fragment

bp = Blueprint("configure", __name__)

# What the form sends beside the fields.
_NO_FIELDS = ("csrf_token", "id", "like", "copy_secrets", "copy_channels", "launch", "configure")


@dataclass(frozen=True, slots=True)
class _Form:
    """What was sent: the fields, the id that the form's deployment gets, whom it is like."""

    given: Mapping[str, str]
    id: str
    like: CloneSource | None = None


@bp.get("/deployments/new")
@bp.get("/deployments/new/preview", endpoint="new_again")
@needs(Permission.OPERATE)
def new() -> ResponseReturnValue:
    if "like" not in request.args:
        return _show(_Form({}, new_form_id(app_context())))
    offer = cloneable_settings(parse_id(request.args["like"]), context=app_context())
    return _show(_Form(offer.values, new_form_id(app_context()), CloneSource(offer.id)))


@bp.post("/deployments/new")
@needs(Permission.OPERATE)
def configure() -> ResponseReturnValue:
    form = _sent()
    try:
        deployment = configure_deployment(
            form.given, actor=actor(), context=app_context(), deployment_id=form.id, like=form.like
        )
    except FormAlreadySent as made:
        flash(made.detail, "done")
        return lead_to(url_for("pages.show", deployment_id=made.deployment_id))
    except InputRejected as rejected:
        return _show(form, rejected.fields, 422)
    except UserError as refusal:
        told_above_form(refusal)
        return _show(form, status=refusal.status)
    for warning in warnings_of(deployment, context=app_context()).values():
        flash(warning)
    if "launch" in request.form:
        try:
            started = launch_deployment(deployment.id, actor=actor(), context=app_context())
            if started.warning:
                flash(started.warning)
        except UserError as error:
            # It is made all the same: sending the form again would make another.
            flash(f"It was configured, and not launched. {error.detail}")
    return lead_to(url_for("pages.show", deployment_id=deployment.id))


@bp.post("/deployments/new/check")
@needs(Permission.OPERATE)
def check() -> ResponseReturnValue:
    """Say what is to be said of the field that was left."""
    form = _sent()
    if not wants_fragment():
        return _show(form)
    given, _ = with_cloned_settings(form.given, form.like, context=app_context())
    name = next(iter(form.given), "")
    said = check_field(name, given.get(name), context=app_context())
    return render_content("settings/said", about=said)


@bp.post("/deployments/new/preview")
@needs(Permission.OPERATE)
def preview() -> ResponseReturnValue:
    form = _sent()
    if not wants_fragment():
        return _show(form)
    return render_content("settings/preview", preview=_previewed(form))


def _sent() -> _Form:
    asked, like = request.form.get("id", ""), request.form.get("like")
    copied = (f"copy_{what}" in request.form for what in ("secrets", "channels"))
    return _Form(
        {name: value for name, value in request.form.items() if name not in _NO_FIELDS},
        asked if is_id(asked) else new_form_id(app_context()),
        CloneSource(parse_id(like), *copied) if like else None,
    )


def _show(form: _Form, errors: Mapping[str, str] | None = None, status: int = 200) -> Response:
    """Show the form with what was typed, secrets aside.

    `errors` are those of a form that was sent to be configured. Otherwise nothing is
    said of fields that are still empty.
    """
    secrets = [name for name in _filled(form) if name in BY_NAME and BY_NAME[name].secret]
    # HTMX leaves the fields of secrets as they are in the page.
    again = set() if wants_fragment() else set(secrets)
    said = _said_of(form, errors)
    shown = [field for fields in FORM_SECTIONS.values() for field in fields]
    in_order = dict.fromkeys([*(each.name for each in shown), *said])
    wrong = {name: said[name].error for name in in_order if name in said and said[name].error}
    touched = {*_filled(form), *wrong}
    offer = (
        cloneable_settings(form.like.deployment_id, context=app_context()) if form.like else None
    )
    return render(
        "settings/new",
        status,
        tab=f"Another like “{offer.label}”" if offer else "New deployment",
        form=form,
        rejected=errors is not None,
        offer=offer,
        sections=FORM_SECTIONS,
        unfolded={
            each for each, fields in FORM_SECTIONS.items() if touched & {f.name for f in fields}
        },
        typed={name: value for name, value in form.given.items() if name not in secrets},
        said=said,
        again=again,
        wrong={
            name: wrong[name] for name in [*(each.name for each in shown), *wrong] if name in wrong
        },
        first=next((name for name in in_order if name in wrong or name in again), ""),
        labels={field.name: field.label for field in shown},
        defaults=field_defaults(app_context()),
        choices=choices(app_context()),
        room=seen_room(app_context()),
        preview=_previewed(form),
    )


def _said_of(form: _Form, errors: Mapping[str, str] | None) -> dict[str, FieldMessage]:
    given, _ = with_cloned_settings(form.given, form.like, context=app_context())
    said = check_fields(given, context=app_context())
    if errors is None:
        return {name: each for name, each in said.items() if given.get(name)}
    return {
        name: FieldMessage(errors.get(name, ""), said[name].hint if name in said else "")
        for name in {**said, **errors}
    }


def _filled(form: _Form) -> list[str]:
    return [name for name, value in form.given.items() if value]


def _previewed(form: _Form) -> Preview:
    return preview_files(form.given, deployment_id=form.id, like=form.like, context=app_context())


def _shown() -> dict[Section, list[Field]]:
    """Return the fields of the form by section, the needed ones first."""
    fields = sorted(FIELDS, key=lambda each: each.group != "mandatory")
    return {
        section: [each for each in fields if each.section == section.title and each is not TOKEN]
        for section in SECTIONS
    }


FORM_SECTIONS = _shown()
