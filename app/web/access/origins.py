"""Allowed origins: the button that allows another origin for a gateway's page, and its API call."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from htmx_flask import request
from pydantic import Field

from app.core.answers import EXAMPLE_ID
from app.core.people import Permission
from app.core.status.status import Status
from app.usecases.access.allow_origin import allow_origin
from app.usecases.access.answers import AllowedOriginAnswer
from app.usecases.operations.wait import wait_for
from app.usecases.status.overview import show_deployment
from app.web.api.calls import BRINGING_UP, CallTag, Example, call
from app.web.api.shapes import AcceptedAnswer, OperationBody, Text, accepted
from app.web.page.rendering import done
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

bp = Blueprint("open", __name__)
api_bp = Blueprint("open_api", __name__, url_prefix="/api/deploy")


class AllowOriginBody(OperationBody):
    """Names one deployment and the origin to allow."""

    origin: Text = Field(description="Scheme, host name and port, as in the browser's address bar.")


@bp.post("/deployments/<deployment_id>/allow-origin")
@needs(Permission.OPERATE)
def allow(deployment_id: str) -> ResponseReturnValue:
    origin = request.form.get("origin", "")
    allow_origin(deployment_id, origin, actor=actor(), context=app_context())
    return done("The gateway is being configured to allow this name.", deployment_id)


@api_bp.post("/allow_origin")
@needs(Permission.OPERATE)
@call(
    CallTag.ACCESS,
    "Allow one more origin for a gateway's page",
    example=Example(
        body=AllowOriginBody(deployment_id=EXAMPLE_ID, origin="https://bots.example.com"),
        answer=AllowedOriginAnswer(
            deployment_id=EXAMPLE_ID, status=Status.RUNNING, origin="https://bots.example.com"
        ),
    ),
    errors=BRINGING_UP,
)
def allow_and_wait(body: AllowOriginBody) -> AllowedOriginAnswer | AcceptedAnswer:
    """The gateway is restarted, and the call waits as launch does. If the gateway does not start,
    the change is rolled back."""
    started = allow_origin(body.deployment_id, body.origin, actor=actor(), context=app_context())
    if body.wait and wait_for(started, context=app_context()):
        view = show_deployment(body.deployment_id, context=app_context())
        return AllowedOriginAnswer(
            deployment_id=body.deployment_id,
            status=view.report.status,
            origin=started.operation.arguments["origin"],
        )
    return accepted(started.operation, "launching")
