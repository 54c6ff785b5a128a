"""A gateway's token: rotation, comparison in its four places, making the places equal."""

from collections.abc import Callable

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from pydantic import Field

from app.core.answers import EXAMPLE_ID
from app.core.errors import LaunchTimeout, TokenNotVerified, TooManyWaiting, WasCancelled
from app.core.people import Permission
from app.core.settings.fields import TOKEN
from app.core.status.status import Status
from app.core.tokens import TokenComparison, TokenMatch, TokenPlace
from app.usecases.operations.start import Started
from app.usecases.operations.wait import wait_for
from app.usecases.status.overview import show_deployment
from app.usecases.tokens.answers import RevealedAnswer, TokenCheckAnswer, VerifiedTokenAnswer
from app.usecases.tokens.check import check_token, equalize_token
from app.usecases.tokens.reveal import reveal_secret
from app.usecases.tokens.rotate import rotate_token
from app.web.access.links import page_url_with_token, terminal_line
from app.web.api.calls import BEGINNING, CallTag, Example, call
from app.web.api.shapes import AcceptedAnswer, DeploymentBody, OperationBody, Text, accepted
from app.web.lifecycle.confirm import second_click_ignored
from app.web.page.rendering import done, render
from app.web.server.compression import leave_uncompressed
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context, own_path

bp = Blueprint("token", __name__, url_prefix="/deployments/<deployment_id>")
api_bp = Blueprint("token_api", __name__, url_prefix="/api/deploy")


@bp.get("/token")
@needs(Permission.VIEW)
def show(deployment_id: str) -> ResponseReturnValue:
    page = url_for("pages.show", deployment_id=deployment_id)
    view = show_deployment(deployment_id, context=app_context())
    return render(
        "tokens/check",
        tab=f"Token of {view.deployment.label}",
        view=view,
        check=check_token(deployment_id, context=app_context()),
        back_to=own_path(request.args.get("back_to", ""), page),
    )


@bp.post("/reveal")
@needs(Permission.OPERATE)
def reveal(deployment_id: str) -> ResponseReturnValue:
    field_name = request.form.get("field", TOKEN.name)
    value = reveal_secret(deployment_id, field_name, actor=actor(), context=app_context())
    leave_uncompressed()
    view = show_deployment(deployment_id, context=app_context())
    response = render(
        "tokens/revealed",
        tab=f"Token of {view.deployment.label}",
        view=view,
        value=value,
        page_url=page_url_with_token(view.deployment) if field_name == TOKEN.name else None,
        terminal_line=terminal_line(view.deployment) if field_name == TOKEN.name else None,
    )
    into = {"HX-Retarget": "#token", "HX-Reswap": "innerHTML", "HX-Reselect": "#secret > *"}
    response.headers.update(into)
    return response


@bp.post("/rotate-token")
@needs(Permission.OPERATE)
def rotate(deployment_id: str) -> ResponseReturnValue:
    with second_click_ignored():
        rotate_token(deployment_id, actor=actor(), context=app_context())
    return done("The token is being rotated.", deployment_id)


@bp.post("/token/equalize")
@needs(Permission.OPERATE)
def equalize(deployment_id: str) -> ResponseReturnValue:
    with second_click_ignored():
        equalize_token(deployment_id, actor=actor(), context=app_context())
    return done("The tokens are being made equal.", deployment_id)


_CHANGE_ERRORS = (*BEGINNING, TokenNotVerified, LaunchTimeout, WasCancelled, TooManyWaiting)
_VERIFIED = Example(
    body=DeploymentBody(deployment_id=EXAMPLE_ID),
    answer=VerifiedTokenAnswer(deployment_id=EXAMPLE_ID, status=Status.RUNNING, proven=True),
)


class RevealBody(DeploymentBody):
    """Names a deployment and one of its secrets."""

    field: Text = Field(description="The field's name, as in the schema.")


@api_bp.get("/token/<id:deployment_id>")
@needs(Permission.VIEW)
@call(
    CallTag.ACCESS,
    "Compare the token in its four places",
    example=Example(
        path={"deployment_id": EXAMPLE_ID},
        answer=TokenCheckAnswer(
            deployment_id=EXAMPLE_ID,
            agree=False,
            places=[
                TokenComparison(
                    place=TokenPlace.ENV, match=TokenMatch.EQUAL, reason="the source of the others"
                ),
                TokenComparison(place=TokenPlace.CONFIG, match=TokenMatch.DIFFERS, reason=""),
                TokenComparison(place=TokenPlace.CONTAINER, match=TokenMatch.EQUAL, reason=""),
                TokenComparison(place=TokenPlace.GATEWAY, match=TokenMatch.EQUAL, reason=""),
            ],
        ),
    ),
)
def check(deployment_id: str) -> TokenCheckAnswer:
    """The places are `.env`, `config/openclaw.json`, the running container's environment, and the
    gateway itself. A place that can't be read is `unknown`, with the reason."""
    found = check_token(deployment_id, context=app_context())
    return TokenCheckAnswer.of(found, deployment_id=deployment_id)


@api_bp.post("/rotate_token")
@needs(Permission.OPERATE)
@call(CallTag.ACCESS, "Rotate the token of a gateway", example=_VERIFIED, errors=_CHANGE_ERRORS)
def rotate_and_wait(body: OperationBody) -> VerifiedTokenAnswer | AcceptedAnswer:
    """The gateway is restarted, and the call waits until it accepts the new token and refuses the
    old token. If the new token does not work, the old token is restored. If the gateway is not
    running, its next launch uses the new token."""
    return _change_token(rotate_token, body)


@api_bp.post("/token/equalize")
@needs(Permission.OPERATE)
@call(CallTag.ACCESS, "Make the token equal everywhere", example=_VERIFIED, errors=_CHANGE_ERRORS)
def equalize_and_wait(body: OperationBody) -> VerifiedTokenAnswer | AcceptedAnswer:
    """The token in `.env` is copied to `config/openclaw.json`. A gateway that runs with another
    token is restarted. The call waits until the gateway accepts the token."""
    return _change_token(equalize_token, body)


def _change_token(
    begin: Callable[..., Started], body: OperationBody
) -> VerifiedTokenAnswer | AcceptedAnswer:
    """Start an operation that verifies the token. Wait for the operation's end if requested."""
    started = begin(body.deployment_id, actor=actor(), context=app_context())
    ended = wait_for(started, context=app_context()) if body.wait else None
    if ended is None:
        return accepted(started.operation, "launching")
    status = show_deployment(body.deployment_id, context=app_context()).report.status
    return VerifiedTokenAnswer(
        deployment_id=body.deployment_id, status=status, proven=ended.verified is not None
    )


@api_bp.post("/reveal")
@needs(Permission.OPERATE)
@call(
    CallTag.DEPLOYMENTS,
    "Reveal a secret",
    example=Example(
        body=RevealBody(deployment_id=EXAMPLE_ID, field="openclaw_gateway_token"),
        answer=RevealedAnswer(value="3f9c…"),
    ),
)
def reveal_by_script(body: RevealBody) -> RevealedAnswer:
    """No other call returns a secret. The deployment's history records each call."""
    value = reveal_secret(body.deployment_id, body.field, actor=actor(), context=app_context())
    return RevealedAnswer(value=value)
