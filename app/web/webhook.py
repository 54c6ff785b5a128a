"""The webhook: its page and API calls, and the test message."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from app.core.answers import EXAMPLE_ID, EXAMPLE_TIME
from app.core.errors import Busy, WebhookFailed, WebhookNotSet
from app.core.people import Permission
from app.core.webhook.notifications import WebhookEvent
from app.usecases.webhook.answers import DeliveryShown, WebhookAnswer
from app.usecases.webhook.webhook import send_test_message, show_webhook
from app.web.api.calls import CallTag, Example, call
from app.web.page.rendering import render
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

bp = Blueprint("webhook", __name__)
api_bp = Blueprint("webhook_api", __name__, url_prefix="/api/deploy/webhook")


@bp.get("/messages")
@needs(Permission.VIEW)
def show() -> ResponseReturnValue:
    return render("webhook/show", tab="Messages", webhook=show_webhook(app_context()))


@bp.post("/messages/test")
@needs(Permission.OPERATE)
def test() -> ResponseReturnValue:
    try:
        send_test_message(actor=actor(), context=app_context())
        flash("The test message arrived.", "done")
    except (Busy, WebhookFailed, WebhookNotSet) as refused:
        flash(f"{refused.title}. {refused.detail}", "problem")
    return redirect(url_for("webhook.show"), code=303)


_EXAMPLE = Example(
    WebhookAnswer(
        host="hooks.slack.com",
        waiting=0,
        dropped=0,
        trouble=None,
        deliveries=[
            DeliveryShown(
                at=EXAMPLE_TIME,
                event=WebhookEvent.CRASHED,
                deployment_id=EXAMPLE_ID,
                name="Support bot",
                ok=True,
                words="accepted, with status 200",
                tries=1,
                milliseconds=212,
            )
        ],
    )
)


@api_bp.get("")
@needs(Permission.VIEW)
@call(CallTag.HOST, "Show the webhook", example=_EXAMPLE)
def show_by_script() -> WebhookAnswer:
    """The receiver of messages about crashed gateways and failed operations, and the last
    deliveries."""
    return show_webhook(app_context())


@api_bp.post("/test")
@needs(Permission.OPERATE)
@call(
    CallTag.HOST,
    "Send a test message to the webhook",
    example=_EXAMPLE,
    errors=(WebhookFailed, WebhookNotSet, Busy),
)
def send_test() -> WebhookAnswer:
    """Sends one message and waits for the outcome, at most 10 s. The call needs no body."""
    return send_test_message(actor=actor(), context=app_context())
