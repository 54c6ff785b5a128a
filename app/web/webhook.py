"""The page and the calls of the webhook: where messages go, what came of them, and a test."""

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from pydantic import Field

from app.core.answers import EXAMPLE_ID, Answer, AnswerPart, Time
from app.core.errors import Busy, WebhookFailed, WebhookNotSet
from app.core.people import Permission
from app.core.webhook.notices import WebhookEvent
from app.usecases.webhook.webhook import describe_webhook, send_test_message, show_webhook
from app.web.api.calls import Example, Subject, call
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


class DeliveryShown(AnswerPart):
    """What came of one message."""

    at: Time
    event: WebhookEvent
    deployment_id: str = Field(description="Empty for a test.")
    name: str = Field(description="The deployment's, as it was then.")
    ok: bool = Field(description="Whether the receiver took it.")
    words: str = Field(description="What the receiver said, or why it was not reached.")
    tries: int
    milliseconds: int = Field(description="How long the last try took.")


class WebhookShown(Answer):
    """Where messages go, and what came of the last twenty, the latest first."""

    host: str | None = Field(description="Of its address the host alone; null where it is off.")
    waiting: int = Field(description="Messages that are still to be sent.")
    dropped: int = Field(description="Those that did not arrive since the last one that did.")
    trouble: str | None = Field(description="Why the first that waits was not taken yet.")
    deliveries: list[DeliveryShown]


_EXAMPLE = Example(
    WebhookShown(
        host="hooks.slack.com",
        waiting=0,
        dropped=0,
        trouble=None,
        deliveries=[
            DeliveryShown(
                at=datetime(2026, 11, 24, 6, tzinfo=UTC),
                event=WebhookEvent.CRASHED,
                deployment_id=EXAMPLE_ID,
                name="Support bot",
                ok=True,
                words="taken, with status 200",
                tries=1,
                milliseconds=212,
            )
        ],
    )
)


@api_bp.get("")
@needs(Permission.VIEW)
@call(Subject.HOST, "The webhook", example=_EXAMPLE)
def describe() -> WebhookShown:
    """Who is told when a gateway dies or an operation fails, and whether it arrived."""
    return WebhookShown(**describe_webhook(show_webhook(app_context())))


@api_bp.post("/test")
@needs(Permission.OPERATE)
@call(
    Subject.HOST,
    "Tests the webhook",
    example=_EXAMPLE,
    errors=(WebhookFailed, WebhookNotSet, Busy),
)
def send_test() -> WebhookShown:
    """It sends a test message, once, and waits for what comes of it, at most 10 s. No body is
    needed."""
    return WebhookShown(**describe_webhook(send_test_message(actor=actor(), context=app_context())))
