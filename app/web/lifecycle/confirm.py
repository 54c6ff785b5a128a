"""Confirmation before an action: what will happen, the equivalent command, and one button.

A browser gets a page. htmx gets a fragment, shown in a dialog.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.diagnosis.command_lines import command_of
from app.core.errors import RequestedTwice
from app.core.operations.kinds import OperationKind
from app.core.people import Permission
from app.usecases.status.overview import show_deployment
from app.web.page.rendering import render
from app.web.server.permissions import needs
from app.web.server.request import app_context, own_path

# For each question: its template, and the first words of its title.
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
    view = show_deployment(deployment_id, context=app_context())
    page = url_for("pages.show", deployment_id=deployment_id)
    template, title = _QUESTIONS[OperationKind(verb)]
    return render(
        template,
        tab=f"{title} {view.deployment.label}",
        view=view,
        command=command_of(OperationKind(verb), view.deployment),
        back_to=own_path(request.args.get("back_to", ""), page),
    )


@contextmanager
def second_click_ignored() -> Iterator[None]:
    """Ignore the second click of a double click: the first click has started the operation."""
    with suppress(RequestedTwice):
        yield
