"""The configure form: a new deployment from what a person types."""

from collections.abc import Mapping
from itertools import groupby

from flask import Blueprint, Response, flash
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.errors import InputRejected, UserError
from app.core.fields import FIELDS, TOKEN, Field, is_secret
from app.core.people import Permission
from app.usecases.configure import configure_deployment, field_defaults
from app.usecases.launch import launch_deployment
from app.web.access import needs
from app.web.rendering import render, to_deployment
from app.web.request import actor, world

bp = Blueprint("configure", __name__)


@bp.get("/deployments/new")
@needs(Permission.OPERATE)
def new() -> ResponseReturnValue:
    return _form({}, {})


@bp.post("/deployments/new")
@needs(Permission.OPERATE)
def configure() -> ResponseReturnValue:
    given = {name: value for name, value in request.form.items() if name not in _NO_FIELDS}
    try:
        deployment = configure_deployment(given, actor=actor(), world=world())
    except InputRejected as rejected:
        return _form(given, rejected.fields, 422)
    if "launch" in request.form:
        try:
            launch_deployment(deployment.id, actor=actor(), world=world())
        except UserError as error:
            # It is made all the same: sending the form again would make another.
            flash(f"It was configured, and not launched. {error.detail}")
    return to_deployment(deployment.id)


# What the form sends beside the fields.
_NO_FIELDS = ("csrf_token", "launch", "configure")


def _form(given: Mapping[str, str], errors: Mapping[str, str], status: int = 200) -> Response:
    """Show the form with what was typed, secrets aside, and errors in the form's order."""
    mandatory = [field for field in FIELDS if field.group == "mandatory"]
    shown = mandatory + [field for _, fields in _SECTIONS for field in fields]
    names = [*(field.name for field in shown), *errors]
    typed = {name: value for name, value in given.items() if not is_secret(name.upper())}
    touched = {*errors, *(name for name, value in typed.items() if value)}
    return render(
        "deployments/new",
        status,
        mandatory=mandatory,
        sections=_SECTIONS,
        unfolded={name for name, fields in _SECTIONS if touched & {each.name for each in fields}},
        typed=typed,
        errors={name: errors[name] for name in names if name in errors},
        labels={field.name: field.label for field in shown},
        defaults=field_defaults(world()),
    )


def _sections() -> list[tuple[str, list[Field]]]:
    """Return the optional fields of the form by section; in the first the name leads."""
    shown = [field for field in FIELDS if field is not TOKEN and field.group != "mandatory"]
    sections = [(name, list(fields)) for name, fields in groupby(shown, lambda each: each.section)]
    sections[0][1].sort(key=lambda field: field.name != "name")
    return sections


_SECTIONS = _sections()
