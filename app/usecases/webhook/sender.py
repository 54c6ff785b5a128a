"""Telling: a thread that sends what waits, so that no receiver holds anything else up."""

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

from app.core.webhook.payload import WebhookMessage, payload
from app.engine.webhook import Sent, send
from app.usecases.context import AppContext
from app.usecases.webhook.webhook import delivery_of, notice_store, webhook_url

_log = logging.getLogger("deploy_agent")
# Some three minutes in all; what is told later is no news.
_TRIES, _LONGEST_PAUSE = 8, 60
# For what the disk did not take: the message goes again.
_AGAIN_SECONDS = 5.0


class Telling:
    """Sends one message after the other, in the order in which they came."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._store = notice_store(context)
        self._came = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread:
            self._thread.join()
        self._ending.clear()
        self._came.set()
        self._thread = threading.Thread(target=self._run, name="telling", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave what is not sent to the next server; one that is on its way may take a moment."""
        self._ending.set()
        self._came.set()
        if self._thread:
            self._thread.join(2)

    def came(self) -> None:
        self._came.set()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._came.wait()
            self._came.clear()
            try:
                self._send_all()
            except Exception:  # noqa: BLE001 - the thread must go on
                _log.exception("messages could not be sent")
                self._ending.wait(_AGAIN_SECONDS)
                self._came.set()

    def _send_all(self) -> None:
        while not self._ending.is_set():
            kept = self._store.read() if webhook_url(self._context) else None
            if kept is None or not kept.waiting:
                return
            self._send(kept.waiting[0], kept.dropped)

    def _send(self, message: WebhookMessage, dropped: int) -> None:
        trying = Retrying(
            stop=stop_any(
                stop_after_attempt(_TRIES), stop_when_event_set(self._ending), _MayBeThereTwice()
            ),
            wait=wait_exponential(max=_LONGEST_PAUSE),
            sleep=sleep_using_event(self._ending),
            retry=retry_if_result(lambda sent: sent.again),
            after=self._note_failure,
            retry_error_callback=_as_it_is,
        )
        sent = trying(send, webhook_url(self._context), payload(message, dropped))
        if sent.again and self._ending.is_set():
            return
        tries = int(trying.statistics["attempt_number"])
        with self._store.changing() as kept:
            kept.settle(message, delivery_of(message, sent, tries), dropped)
        if not sent.ok:
            _log.warning("a message was given up after %s tries: %s", tries, sent.words)

    def _note_failure(self, state: RetryCallState) -> None:
        """Let people see why a message still waits."""
        with self._store.changing() as kept:
            kept.trouble = _as_it_is(state).words


class _MayBeThereTwice(stop_base):
    """A receiver that takes messages and is slow to say so must not get eight of each."""

    def __call__(self, state: RetryCallState) -> bool:
        return _as_it_is(state).unheard and state.attempt_number > 1


def _as_it_is(state: RetryCallState) -> Sent:
    assert state.outcome is not None
    sent: Sent = state.outcome.result()
    return sent
