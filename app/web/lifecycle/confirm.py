"""Confirmation before an action: what will happen, the equivalent command, and one button.

A page to a browser and a fragment to HTMX, which shows it in a dialog.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.deployment import parse_id
from app.core.diagnosis.command_lines import command_of
from app.core.errors import Busy
from app.core.operations.kinds import OperationKind
from app.core.people import Permission
from app.usecases.status.overview import show_deployment
from app.web.page.rendering import render
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context, own_path

# The template of each question, and how its title begins.
_QUESTIONS = {
    OperationKind.STOP: ("lifecycle/stop", "Stop"),
    OperationKind.RESTART: ("lifecycle/restart", "Restart"),
    OperationKind.ARCHIVE: ("lifecycle/archive", "Archive"),
    OperationKind.ROTATE_TOKEN: ("tokens/rotate", "Rotate the token of"),
}
bp = Blueprint("confirm", __name__, url_prefix="/deployments/<deployment_id>")


@bp.get("/stop", defaults={"verb": "stop"})
@bp.get("/restart", defaults={"verb": "restart"})
@bp.get("/archive", defaults={"verb": "archive"})
@bp.get("/rotate-token", defaults={"verb": "rotate-token"})
@needs(Permission.OPERATE)
def ask(deployment_id: str, verb: str) -> ResponseReturnValue:
    view = show_deployment(parse_id(deployment_id), context=app_context())
    page = url_for("pages.show", deployment_id=deployment_id)
    template, title = _QUESTIONS[OperationKind(verb)]
    return render(
        template,
        tab=f"{title} {view.deployment.name or view.deployment.id}",
        view=view,
        command=command_of(OperationKind(verb), view.deployment),
        back_to=own_path(request.args.get("back_to", ""), page),
    )


@contextmanager
def joined(kind: OperationKind) -> Iterator[None]:
    """Ignore Busy if this person has already started the same operation: a double click."""
    try:
        yield
    except Busy as busy:
        under_way = busy.extra.get("operation") or {}
        if (under_way.get("kind"), under_way.get("actor")) != (kind, actor()):
            raise
