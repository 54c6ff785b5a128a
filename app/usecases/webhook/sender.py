"""Webhook sender: sends the queued messages in its own thread, as receivers may be slow."""

import logging
import threading

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    sleep_using_event,
    stop_after_attempt,
    stop_any,
    stop_when_event_set,
    wait_exponential,
)
from tenacity.stop import stop_base

from app.core.webhook.notifications import WebhookMessage, payload
from app.engine.webhook import Sent, send
from app.usecases.context import AppContext
from app.usecases.webhook.webhook import delivery_of, webhook_queue_store, webhook_url

_log = logging.getLogger("deploy_agent")
# About three minutes in all. After that, a message is outdated.
_TRIES, _LONGEST_PAUSE = 8, 60
# Seconds after an error, such as a full disk, until the messages are sent again.
_AGAIN_SECONDS = 5.0


class WebhookSender:
    """Sends one message at a time, oldest first."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._store = webhook_queue_store(context)
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread:
            self._thread.join()
        self._ending.clear()
        self._wake.set()
        self._thread = threading.Thread(target=self._run, name="webhook-sender", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave unsent messages to the next server. A running request may take a moment to end."""
        self._ending.set()
        self._wake.set()
        if self._thread:
            self._thread.join(2)

    def wake(self) -> None:
        """Check for queued messages now."""
        self._wake.set()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self._send_all()
            except Exception:  # noqa: BLE001 - the thread must go on
                _log.exception("messages could not be sent")
                self._ending.wait(_AGAIN_SECONDS)
                self._wake.set()

    def _send_all(self) -> None:
        while not self._ending.is_set():
            queue = self._store.read() if webhook_url(self._context) else None
            if queue is None or not queue.waiting:
                return
            self._send(queue.waiting[0], queue.dropped)

    def _send(self, message: WebhookMessage, dropped: int) -> None:
        retrying = Retrying(
            stop=stop_any(
                stop_after_attempt(_TRIES),
                stop_when_event_set(self._ending),
                _StopAfterSecondTimeout(),
            ),
            wait=wait_exponential(max=_LONGEST_PAUSE),
            sleep=sleep_using_event(self._ending),
            retry=retry_if_result(lambda sent: sent.again),
            after=self._note_failure,
            retry_error_callback=_result,
        )
        sent = retrying(send, webhook_url(self._context), payload(message, dropped))
        if sent.again and self._ending.is_set():
            return
        tries = int(retrying.statistics["attempt_number"])
        with self._store.changing() as queue:
            queue.settle(message, delivery_of(message, sent, tries), dropped)
        if not sent.ok:
            _log.warning("a message was given up after %s tries: %s", tries, sent.words)

    def _note_failure(self, state: RetryCallState) -> None:
        """Save why the first message is still waiting, to show that on the page."""
        with self._store.changing() as queue:
            queue.trouble = _result(state).words


class _StopAfterSecondTimeout(stop_base):
    """Stop after two timeouts: a slow receiver that accepts messages must not get each 8 times."""

    def __call__(self, state: RetryCallState) -> bool:
        return _result(state).unheard and state.attempt_number > 1


def _result(state: RetryCallState) -> Sent:
    assert state.outcome is not None
    sent: Sent = state.outcome.result()
    return sent
