"""The webhook reports each event once, even if the receiver or the server fails."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import docker
import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from app import create_app
from app.cli.main import main
from app.config import Settings
from app.core.webhook.notifications import Notification, WebhookEvent, WebhookMessage
from app.store.webhook_queue import MOST_WAITING, WebhookQueueStore
from app.usecases.context import AppContext
from app.usecases.webhook.sender import WebhookSender
from tests.support.api import Api
from tests.support.engine.containers import container_of
from tests.support.incidents import recording
from tests.support.waiting import eventually
from tests.support.webhook_receiver import HANG_UP, SECRET, Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def webhook_settings(settings: Settings, receiver: Receiver) -> Settings:
    """Settings with the receiver as webhook."""
    return settings.model_copy(update={"webhook_url": SecretStr(receiver.url)})


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten all waiting times."""
    monkeypatch.setattr("app.core.webhook.trouble_check._SETTLED", timedelta(seconds=1))
    monkeypatch.setattr("app.usecases.webhook.sender._TRIES", 3)
    monkeypatch.setattr("app.usecases.webhook.sender._LONGEST_PAUSE", 0.05)
    monkeypatch.setattr("app.engine.webhook.TIMEOUT_SECONDS", 0.5)


def outcomes(api: Api) -> list[str]:
    return [each["words"] for each in api.get("webhook").json["deliveries"]]


def test_a_test_message_reports_its_outcome_but_never_the_address(
    webhook_settings: Settings, receiver: Receiver, quickly: None, caplog: pytest.LogCaptureFixture
) -> None:
    api = Api(create_app(webhook_settings))

    arrived = api.post("webhook/test")
    at_the_terminal = CliRunner().invoke(
        main,
        ["webhook", "test"],
        env={
            "DEPLOY_AGENT_DEPLOYMENTS_DIR": str(webhook_settings.deployments_dir),
            "DEPLOY_AGENT_WEBHOOK_URL": receiver.url,
        },
    )
    receiver.answers = [302]
    redirected = api.post("webhook/test")
    receiver.answers = [404]
    refused = api.post("webhook/test")
    receiver.answers = [HANG_UP]
    cut_off = api.post("webhook/test")
    receiver.going.clear()
    silent = api.post("webhook/test")
    receiver.close()
    dead = api.post("webhook/test")

    assert arrived.status_code == 200
    assert arrived.json["host"] == "127.0.0.1"
    assert at_the_terminal.output == "127.0.0.1 accepted the message.\n"
    # The silent receiver accepted the last message after the sender's timeout.
    assert set(receiver.events) == {"test"}
    assert "a local user" in receiver.got[0]["text"]
    for answer, words in (
        (redirected, "redirect (302), which is not followed"),
        (refused, "refused the message with status 404"),
        (cut_off, "the connection broke"),
        (silent, "no answer within"),
        (dead, "nothing listens at that address"),
    ):
        assert answer.status_code == 502
        assert answer.json["code"] == "webhook_failed"
        assert words in answer.json["detail"]
    page = api.page("/messages").text
    assert "Not delivered" in page
    assert "The webhook was tested" in api.page("/history").text
    everything = page + caplog.text + api.get("webhook").text + api.get("history").text
    assert SECRET not in everything + dead.text + silent.text


def test_without_a_webhook_url_nothing_is_sent_and_the_page_says_how_to_set_it(api: Api) -> None:
    refused = api.post("webhook/test")

    assert refused.status_code == 409
    assert refused.json["code"] == "webhook_not_set"
    assert "DEPLOY_AGENT_WEBHOOK_URL" in api.page("/messages").text


def test_waiting_messages_are_retried_and_dropped_ones_are_mentioned_later(
    webhook_settings: Settings, receiver: Receiver, quickly: None
) -> None:
    api = Api(create_app(webhook_settings))
    context: AppContext = api.app.config["CONTEXT"]
    store = WebhookQueueStore(webhook_settings.deployments_dir)
    sender = WebhookSender(context)

    def put(*reasons: str) -> None:
        now = datetime.now(UTC)
        with store.changing() as kept:
            for reason in reasons:
                notice = Notification(
                    WebhookEvent.CRASHED, "0b7a3361be", len(kept.waiting), now, reason
                )
                kept.add(WebhookMessage(notice))
        sender.wake()

    receiver.answers = [500, 503]
    put("first")
    sender.start()
    try:
        eventually(lambda: outcomes(api) == ["accepted, with status 204"])
        assert [each["reason"] for each in receiver.got] == ["first"]

        receiver.answers = [500] * 3
        put("given up", "arrives")
        eventually(lambda: len(outcomes(api)) == 3)
        assert [each["reason"] for each in receiver.got] == ["first", "arrives"]
        assert receiver.got[-1]["dropped"] == 1
        assert "1 earlier message did not arrive" in receiver.got[-1]["text"]
        assert api.get("webhook").json["dropped"] == 0

        receiver.going.clear()
        put("slow")
        eventually(lambda: len(outcomes(api)) == 4)
        receiver.going.set()
        eventually(lambda: [each["reason"] for each in receiver.got].count("slow") == 2)
    finally:
        sender.stop()

    put(*map(str, range(MOST_WAITING + 5)))
    waiting = api.get("webhook").json
    assert (waiting["waiting"], waiting["dropped"]) == (MOST_WAITING, 6)


def test_a_crash_and_its_end_are_reported_once_across_server_restarts(
    webhook_settings: Settings, receiver: Receiver, quickly: None, engine: docker.APIClient
) -> None:
    api = Api(create_app(webhook_settings))
    with recording(webhook_settings):
        deployment_id = api.configure_and_launch(name="Support bot")
        missing = api.configure(image="deploy-agent-standin:missing")
        assert api.launch(missing).status_code == 502
        eventually(lambda: receiver.events == ["operation_failed"])

        receiver.answers = [500] * 1000
        crash(engine, deployment_id)
        eventually(lambda: api.get("webhook").json["trouble"] == "it answered with status 500")
        assert api.get("webhook").json["waiting"] == 1
    receiver.answers = []
    with recording(webhook_settings):
        eventually(lambda: receiver.events == ["operation_failed", "crashed"])
    with recording(webhook_settings):
        assert api.post("restart", {"deployment_id": deployment_id}).status_code == 200
        eventually(lambda: len(receiver.got) >= 3)
    with recording(webhook_settings):
        pass

    assert receiver.events == ["operation_failed", "crashed", "recovered"]
    failed, crashed, recovered = receiver.got
    assert (failed["deployment_id"], failed["status"]) == (missing, "failed")
    assert "deploy-agent-standin:missing" in failed["reason"]
    assert crashed["name"] == recovered["name"] == "Support bot"
    assert crashed["incident"] == recovered["incident"]
    assert crashed["url"].endswith(f"/deployments/{deployment_id}")
    assert "exit code 137" in crashed["text"]
    assert SECRET not in api.get("history").text


def crash(engine: docker.APIClient, deployment_id: str) -> None:
    """Kill a gateway's process directly, so that the engine sees a crash."""
    container = engine.inspect_container(container_of(engine, deployment_id))
    os.kill(container["State"]["Pid"], signal.SIGKILL)
