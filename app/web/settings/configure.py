"""The configure form, its checks beside the fields, and its preview.

Secrets are checked like every other field. The request's body carries the secret over the same
connection as the form itself, and the response does not repeat it. So all rules are in one place,
and a bot token that another gateway already uses is found before anything is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, flash, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from pydantic import ConfigDict, Field

from app.core.answers import EXAMPLE_ID
from app.core.deployment import is_id, parse_id
from app.core.errors import DeploymentInvalid, FormAlreadySent, InputRejected, NotFound, UserError
from app.core.people import Permission
from app.usecases.lifecycle.launch import launch_deployment
from app.usecases.settings.answers import ConfiguredAnswer, FieldShown, SchemaShown
from app.usecases.settings.check_fields import FieldMessage, check_field, check_fields, warnings_of
from app.usecases.settings.clone_settings import (
    CloneSource,
    cloneable_settings,
    with_cloned_settings,
)
from app.usecases.settings.configure import configure_deployment, field_defaults, new_form_id
from app.usecases.settings.preview import Preview, preview_files
from app.usecases.status.capacity import known_capacity
from app.web.api.calls import CallTag, Example, call
from app.web.api.shapes import CallBody, with_fields
from app.web.page.rendering import lead_to, render, render_fragment, show_above_form
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context, wants_fragment
from app.web.settings.form import form_context, sent_fields

bp = Blueprint("configure", __name__)
api_bp = Blueprint("configure_api", __name__, url_prefix="/api/deploy")

# The form's other inputs, which are not fields of a deployment.
_NO_FIELDS = ("csrf_token", "id", "like", "copy_secrets", "copy_channels", "launch", "configure")


@dataclass(frozen=True, slots=True)
class _Form:
    """A sent form: the fields, the new deployment's id, and the deployment to clone from."""

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
        show_above_form(refusal)
        return _show(form, status=refusal.status)
    for warning in warnings_of(deployment, context=app_context()).values():
        flash(warning)
    if "launch" in request.form:
        try:
            started = launch_deployment(deployment.id, actor=actor(), context=app_context())
            if started.warning:
                flash(started.warning)
        except UserError as error:
            # Don't show the form again: the deployment exists, and the form would create another.
            flash(f"The deployment was configured, but not launched. {error.detail}")
    return lead_to(url_for("pages.show", deployment_id=deployment.id))


@bp.post("/deployments/new/check")
@needs(Permission.OPERATE)
def check() -> ResponseReturnValue:
    """Return the message for the field that the person has just left."""
    form = _sent()
    if not wants_fragment():
        return _show(form)
    given, _ = with_cloned_settings(form.given, form.like, context=app_context())
    name = next(iter(form.given), "")
    message = check_field(name, given.get(name), context=app_context())
    return render_fragment("settings/message", message=message)


@bp.post("/deployments/new/preview")
@needs(Permission.OPERATE)
def preview() -> ResponseReturnValue:
    form = _sent()
    if not wants_fragment():
        return _show(form)
    return render_fragment("settings/preview", preview=_preview(form))


def _sent() -> _Form:
    form_id, like = request.form.get("id", ""), request.form.get("like")
    copied = (f"copy_{what}" in request.form for what in ("secrets", "channels"))
    return _Form(
        sent_fields(_NO_FIELDS),
        form_id if is_id(form_id) else new_form_id(app_context()),
        CloneSource(parse_id(like), *copied) if like else None,
    )


def _show(form: _Form, errors: Mapping[str, str] | None = None, status: int = 200) -> Response:
    """Show the form with the typed values, except secrets.

    `errors` are the errors of a rejected form. If it is None, no empty field has a message.
    """
    offer = (
        cloneable_settings(form.like.deployment_id, context=app_context()) if form.like else None
    )
    filled = [name for name, value in form.given.items() if value]
    return render(
        "settings/new",
        status,
        tab=f"Another like “{offer.label}”" if offer else "New deployment",
        form=form,
        rejected=errors is not None,
        offer=offer,
        room=known_capacity(app_context()),
        preview=_preview(form),
        **form_context(form.given, _messages(form, errors), filled),
    )


def _messages(form: _Form, errors: Mapping[str, str] | None) -> dict[str, FieldMessage]:
    given, _ = with_cloned_settings(form.given, form.like, context=app_context())
    checked = check_fields(given, context=app_context())
    if errors is None:
        return {name: each for name, each in checked.items() if given.get(name)}
    return {
        name: FieldMessage(errors.get(name, ""), checked[name].hint if name in checked else "")
        for name in {**checked, **errors}
    }


def _preview(form: _Form) -> Preview:
    return preview_files(form.given, deployment_id=form.id, like=form.like, context=app_context())


class ConfigureBody(CallBody):
    """The fields of a new deployment. Missing fields can be copied from another deployment."""

    model_config = ConfigDict(extra="allow", json_schema_extra=with_fields)

    like: str | None = Field(
        None, description="The id of the deployment from which missing fields are copied."
    )
    copy_secrets: bool = Field(False, description="Copy its API keys too, which is recorded.")
    copy_channels: bool = Field(False, description="Copy its bot tokens too, which is recorded.")


@api_bp.get("/schema")
@needs(Permission.VIEW)
@call(
    CallTag.DEPLOYMENTS,
    "List the fields of a deployment",
    example=Example(
        SchemaShown(
            auto=[],
            mandatory=[
                FieldShown(
                    name="openrouter_api_key",
                    env="OPENROUTER_API_KEY",
                    label="OpenRouter API key",
                    help="Pays for the model's answers, whichever model you choose.",
                    type="secret",
                    secret=True,
                    default=None,
                )
            ],
            optional=[],
        )
    ),
)
def show_schema() -> SchemaShown:
    """Every field by group: its name here and in `.env`, its purpose, and its allowed values."""
    return SchemaShown.of_fields(field_defaults(app_context()))


@api_bp.post("/configure")
@needs(Permission.OPERATE)
@call(
    CallTag.DEPLOYMENTS,
    "Create a deployment",
    example=Example(
        body=ConfigureBody.model_validate(
            {"openrouter_api_key": "sk-or-v1-…", "name": "Support bot"}
        ),
        answer=ConfiguredAnswer(deployment_id=EXAMPLE_ID, port=30163, warnings=[]),
    ),
    errors=(NotFound, DeploymentInvalid),
)
def configure_by_script(body: ConfigureBody) -> ConfiguredAnswer:
    """The deployment gets its own folder, a token and a free port. It is not launched."""
    deployment = configure_deployment(
        dict(body.model_extra or {}), like=_like(body), actor=actor(), context=app_context()
    )
    found = warnings_of(deployment, context=app_context())
    return ConfiguredAnswer.of_new(deployment, found)


def _like(body: ConfigureBody) -> CloneSource | None:
    """Return the deployment to clone and what to copy, or None. Raises InputRejected, NotFound."""
    if "like" in body.model_fields_set:
        return CloneSource(parse_id(body.like), body.copy_secrets, body.copy_channels)
    copies = {"copy_secrets": body.copy_secrets, "copy_channels": body.copy_channels}
    if alone := [name for name, copied in copies.items() if copied]:
        raise InputRejected(dict.fromkeys(alone, "needs `like`, the id of another deployment"))
    return None
