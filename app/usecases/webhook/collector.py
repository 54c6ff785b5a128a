"""Webhook collector: reads the histories and queues a message for each notable event."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from app.core.history.incidents import entry_time
from app.core.operations.operation import OperationState
from app.core.secrets import Masker, readable
from app.core.webhook.history_reader import read_entries
from app.core.webhook.notifications import Notification, WebhookMessage
from app.core.webhook.trouble_check import DeploymentCondition, check_condition
from app.core.webhook.troubles import HistoryCursor
from app.store import history
from app.store.operations import read_operation
from app.usecases.context import AppContext
from app.usecases.status.overview import DeploymentView, list_deployments
from app.usecases.webhook.webhook import page_url, webhook_queue_store, webhook_url

# The key of the root folder's own history.
_ROOT = ""
# Cursors of removed deployments are kept too, since those may be restored.
_MOST_CURSORS = 2000


class WebhookCollector:
    """Reads each history, starting where the last server stopped; one per deployments folder.

    `notify` is called after messages were queued.
    """

    def __init__(self, context: AppContext, notify: Callable[[], None]) -> None:
        self._context = context
        self._notify = notify
        self._store = webhook_queue_store(context)
        self._since: datetime | None = None
        self._cursors: Mapping[str, HistoryCursor] = {}
        # Each history's signature at the last reading, to skip the many histories that do not
        # change.
        self._signatures: Mapping[str, history.Signature | None] = {}

    def start(self) -> None:
        """Take over the previous server's queue. Raises OSError."""
        self._signatures = {}
        if not webhook_url(self._context):
            self._store.forget()
            return
        with self._store.changing() as queue:
            self._since, self._cursors = queue.since, dict(queue.places)

    def collect(self) -> None:
        """Queue messages for new history entries. Raises OSError, NotFound."""
        if self._since is None:
            return
        ids = [_ROOT, *(each.id for each in self._context.store.scan())]
        signatures = {each: history.signature_of(self._folder(each)) for each in ids}
        cursors = dict(self._cursors)
        if len(cursors) > _MOST_CURSORS:
            cursors = {each: cursors[each] for each in ids if each in cursors}
        notifications = self._read_changed(signatures, cursors)
        views = self._views_needed(ids, cursors, notifications)
        notifications += self._check_open(views, cursors)
        if cursors != self._cursors:
            self._queue(cursors, [self._message(each, views) for each in notifications])
        self._signatures = signatures

    def _read_changed(
        self, signatures: Mapping[str, history.Signature | None], cursors: dict[str, HistoryCursor]
    ) -> list[Notification]:
        """Read the changed histories, and advance their cursors."""
        notifications: list[Notification] = []
        for each, signature in signatures.items():
            if each not in self._signatures or self._signatures[each] != signature:
                cursors[each], found = self._read(each)
                notifications += found
        return notifications

    def _check_open(
        self, views: Mapping[str, DeploymentView], cursors: dict[str, HistoryCursor]
    ) -> list[Notification]:
        """Check each open problem: has it ended, or lasted long enough to report?"""
        notifications: list[Notification] = []
        for each, view in views.items():
            if each in cursors and cursors[each].is_open:
                condition = self._condition(view, cursors[each])
                cursors[each], found = check_condition(cursors[each], each, condition)
                notifications += found
        return notifications

    def _read(self, deployment_id: str) -> tuple[HistoryCursor, list[Notification]]:
        known = self._cursors.get(deployment_id)
        cursor = known or HistoryCursor()
        appended = history.appended_since(self._folder(deployment_id), cursor.number)
        if known is None:
            # No messages for entries from before messages were turned on, only for later additions.
            old = list(takewhile(self._is_old, appended))
            cursor, _ = read_entries(cursor, deployment_id, old)
            if cursor.trouble:
                cursor = replace(cursor, trouble=replace(cursor.trouble, over=True))
            appended = appended[len(old) :]
        return read_entries(cursor, deployment_id, appended)

    def _is_old(self, entry: Mapping[str, Any]) -> bool:
        at = entry_time(entry) or entry_time({"at": entry.get("last_at")})
        return at is None or self._since is None or at < self._since

    def _views_needed(
        self,
        ids: Iterable[str],
        cursors: Mapping[str, HistoryCursor],
        notifications: Iterable[Notification],
    ) -> dict[str, DeploymentView]:
        """Return the deployments by id, if messages need them. Most calls need no engine call."""
        if not notifications and not any(each in cursors and cursors[each].is_open for each in ids):
            return {}
        return {view.deployment.id: view for view in list_deployments(self._context)}

    def _condition(self, view: DeploymentView, cursor: HistoryCursor) -> DeploymentCondition:
        folder = self._folder(view.deployment.id)
        operation = read_operation(folder, cursor.operation) if cursor.operation else None
        interrupted = operation is not None and operation.state is OperationState.INTERRUPTED
        report = view.report
        return DeploymentCondition(report.status, datetime.now(UTC), report.since, interrupted)

    def _message(
        self, notification: Notification, views: Mapping[str, DeploymentView]
    ) -> WebhookMessage:
        """Return a message with the deployment's name and status, with secrets masked."""
        view = views.get(notification.deployment_id)
        if view is None:
            return WebhookMessage(notification, url=page_url("", self._context))
        mask = Masker(view.deployment.secrets)
        masked = replace(notification, reason=readable(notification.reason, mask))
        url = page_url(notification.deployment_id, self._context)
        return WebhookMessage(masked, mask(view.deployment.name), view.report.status, url)

    def _queue(self, cursors: Mapping[str, HistoryCursor], messages: list[WebhookMessage]) -> None:
        with self._store.changing() as queue:
            queue.places = dict(cursors)
            for each in messages:
                queue.add(each)
        self._cursors = cursors
        if messages:
            self._notify()

    def _folder(self, deployment_id: str) -> Path:
        store = self._context.store
        return store.folder(deployment_id) if deployment_id else store.root
