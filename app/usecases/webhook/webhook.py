"""The webhook: its receiver, its last deliveries, and a test message."""

from datetime import UTC, datetime
from threading import Lock
from urllib.parse import urlsplit

from app.config import Settings
from app.core.errors import Busy, WebhookFailed, WebhookNotSet
from app.core.webhook.notifications import Notification, WebhookEvent, WebhookMessage, payload
from app.engine.host.network import own_address
from app.engine.webhook import Sent, send
from app.store import history
from app.store.storage_errors import storage_errors
from app.store.webhook_queue import Delivery, WebhookQueueStore
from app.usecases.context import AppContext
from app.usecases.webhook.answers import DeliveryShown, WebhookAnswer

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
_testing = Lock()


def webhook_url(context: AppContext) -> str:
    return context.settings.webhook_url.get_secret_value()


def webhook_queue_store(context: AppContext) -> WebhookQueueStore:
    return WebhookQueueStore(context.settings.deployments_dir)


def show_webhook(context: AppContext) -> WebhookAnswer:
    """Return the receiver and the last deliveries; no host if messages are off."""
    url = webhook_url(context)
    queue = webhook_queue_store(context).read() if url else None
    host = urlsplit(url).hostname if url else None
    if queue is None:
        return WebhookAnswer(host=host)
    return WebhookAnswer(
        host=host,
        waiting=len(queue.waiting),
        dropped=queue.dropped,
        trouble=queue.trouble,
        deliveries=[DeliveryShown.of(each) for each in queue.deliveries],
    )


def send_test_message(*, actor: str, context: AppContext) -> WebhookAnswer:
    """Send a test message once, and wait for the outcome.

    Raises WebhookNotSet, WebhookFailed, Busy, StorageFailed.
    """
    url = webhook_url(context)
    if not url:
        raise WebhookNotSet(
            "Set DEPLOY_AGENT_WEBHOOK_URL in the server's environment to the address that Slack,"
            " Discord or your own receiver gave you, and restart the server."
        )
    if not _testing.acquire(blocking=False):
        raise Busy("Another test message is being sent. Its outcome appears in a moment.")
    try:
        sent = _send_test(url, actor, context)
    finally:
        _testing.release()
    if not sent.ok:
        raise WebhookFailed(f"The receiver did not accept the message: {sent.words}.")
    return show_webhook(context)


def _send_test(url: str, actor: str, context: AppContext) -> Sent:
    reason = f"This is a test, sent by {actor}. Messages about gateways arrive here, too."
    notice = Notification(WebhookEvent.TEST, "", 0, datetime.now(UTC), reason)
    message = WebhookMessage(notice, url=page_url("", context))
    sent = send(url, payload(message))
    with storage_errors("The test message was sent, but its outcome was not saved."):
        with webhook_queue_store(context).changing() as queue:
            queue.note(delivery_of(message, sent, 1))
        outcome = "succeeded" if sent.ok else "failed"
        root = context.store.root
        history.record(root, "test_webhook", actor, outcome=outcome, reason=sent.words)
    return sent


def delivery_of(message: WebhookMessage, sent: Sent, tries: int) -> Delivery:
    return Delivery(
        datetime.now(UTC),
        message.notice.event,
        message.notice.deployment_id,
        message.name,
        sent.ok,
        sent.words,
        tries,
        sent.milliseconds,
    )


def page_url(deployment_id: str, context: AppContext) -> str:
    """Return the address of a deployment's page, for a reader on another machine."""
    page = f"deployments/{deployment_id}" if deployment_id else ""
    return f"{_base_url(context.settings)}/{page}"


def _base_url(settings: Settings) -> str:
    if settings.page_url:
        return settings.page_url.rstrip("/")
    host = settings.public_host or settings.host
    if host.strip("[]") in _EVERYWHERE:
        host = own_address()
    host = host.strip("[]")
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
