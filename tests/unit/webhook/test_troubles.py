"""The events that the webhook reports about a deployment, and how often."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.status.status import Status
from app.core.webhook.history_reader import read_entries
from app.core.webhook.notifications import Notification, WebhookEvent, WebhookMessage, payload
from app.core.webhook.trouble_check import DeploymentCondition, check_condition
from app.core.webhook.troubles import HistoryCursor

ID = "0b7a3361be"
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Story:
    """Add history entries and status checks of a deployment step by step, and collect messages."""

    def __init__(self) -> None:
        self.place = HistoryCursor()
        self.now = START
        self.number = 0
        self.sent: list[Notification] = []

    def later(self, seconds: float) -> "Story":
        self.now += timedelta(seconds=seconds)
        return self

    def record(self, **entry: Any) -> int:
        self.number += 1
        at = {} if "of" in entry else {"at": self.now.isoformat()}
        line = {"n": self.number, **at, **entry}
        if "container" in line:
            line["last_at"] = self.now.isoformat()
        self.place, notices = read_entries(self.place, ID, [line])
        self.sent += notices
        return self.number

    def crash(self, **more: Any) -> int:
        return self.record(what="exited", who="the gateway", container="c1", **{"code": 78, **more})

    def again(self, number: int, **more: Any) -> None:
        self.record(of=number, who="the gateway", container="c1", **{"code": 78, **more})

    def look(self, status: Status = Status.RESTARTING, **more: Any) -> "Story":
        seen = DeploymentCondition(status, self.now, **more)
        self.place, notices = check_condition(self.place, ID, seen)
        self.sent += notices
        return self

    @property
    def events(self) -> list[str]:
        return [each.event for each in self.sent]


def test_a_crash_and_its_end_are_reported_once_each() -> None:
    story = Story()
    number = story.crash(restarted=True)
    story.look().later(11).look().later(5).look()
    assert story.events == ["crashed"]
    assert story.sent[0].incident == number
    assert "exit code 78" in story.sent[0].reason

    story.later(60).look(Status.RUNNING).later(60).look(Status.RUNNING)

    assert story.events == ["crashed", "recovered"]

    story.again(number, restarted=True)
    story.later(60).look(Status.RESTARTING)
    assert story.events == ["crashed", "recovered"], "nothing new has happened"
    story.again(number, count=2, restarted=True)
    story.later(60).look(Status.RESTARTING)
    assert story.events == ["crashed", "recovered", "crashed"]


def test_a_crash_loop_sends_one_message_and_one_more_when_it_ends() -> None:
    story = Story()
    number = story.crash(restarted=True)
    for count in (2, 5, 10, 20, 50):
        story.later(2).look()
        story.again(number, count=count, restarted=False)
        story.look()
    assert story.events == ["crash_loop"]
    assert "5 times" in story.sent[0].reason

    story.later(30).look(Status.RUNNING)
    assert story.events == ["crash_loop"], "quiet for too short a time"
    story.later(60).look(Status.RUNNING)

    assert story.events == ["crash_loop", "recovered"]


def test_a_slow_crash_loop_is_not_over_between_crashes() -> None:
    story = Story()
    number = story.crash(restarted=True)
    for count in range(2, 6):
        story.later(200).look(Status.RUNNING)
        story.again(number, count=count, restarted=False)
        story.look()
    assert story.events[-1] == "crash_loop"
    sent = len(story.sent)

    for _ in range(5):
        story.later(200).look(Status.RUNNING, since=story.now - timedelta(seconds=190))

    assert len(story.sent) == sent


def test_a_crash_that_becomes_a_loop_is_reported_again() -> None:
    story = Story()
    number = story.crash(restarted=True)
    story.later(15).look()
    story.again(number, count=5)
    story.look()

    assert story.events == ["crashed", "crash_loop"]


def test_a_restarted_server_sees_the_same_loop() -> None:
    story = Story()
    number = story.crash()
    story.again(number, count=5)
    story.look()

    story.later(100)
    story.record(
        what="exited",
        who="not seen",
        container="c1",
        code=None,
        missed=True,
        restarted=True,
        restarts=9,
    )
    story.look().later(20).look()
    story.crash()
    story.later(20).look()

    assert story.events == ["crash_loop"]


@pytest.mark.parametrize(
    ("ended", "events"),
    [
        ({"code": 78}, ["crashed"]),
        ({"code": 137, "out_of_memory": True}, ["crashed"]),
        ({"code": None, "restarted": True, "restarts": 3}, ["crashed"]),
        ({"code": None, "restarted": True, "restarts": 0}, []),
        ({"code": 0}, []),
        ({"code": 143}, []),
    ],
)
def test_a_missed_exit_is_reported_unless_it_was_a_stop(
    ended: dict[str, Any], events: list[str]
) -> None:
    story = Story()
    story.record(what="exited", who="not seen", container="c1", missed=True, **ended)
    story.later(11).look()

    assert story.events == events


def test_manual_actions_are_not_reported() -> None:
    story = Story()
    story.record(what="exited", who="outside", container="c1", signal=9, code=137)
    story.record(what="removed", who="outside", container="c1")
    story.record(what="paused", who="outside", container="c2")
    number = story.crash()
    story.record(of=number, who="outside", container="c1", how="stopped")
    story.later(60).look(Status.STOPPED)

    assert story.events == []


def test_a_clean_exit_with_restart_is_reported_only_as_a_loop() -> None:
    story = Story()
    number = story.crash(code=0, restarted=True)
    story.later(60).look(Status.RUNNING)
    assert story.events == []

    for count in (2, 5):
        story.again(number, code=0, count=count, restarted=False)
    story.look()

    assert story.events == ["crash_loop"]


def test_a_failed_health_check_is_reported_after_a_wait() -> None:
    story = Story()
    number = story.record(what="unhealthy", who="the gateway", container="c1")
    story.later(2)
    story.record(of=number, who="the gateway", container="c1", well=True)
    story.later(60).look(Status.RUNNING)
    assert story.events == []

    story.record(of=number, who="the gateway", container="c1", count=2, well=False)
    story.later(11).look(Status.UNHEALTHY)
    story.record(of=number, who="the gateway", container="c1", well=True)
    story.later(20).look(Status.RUNNING)

    assert story.events == ["unhealthy", "recovered"]


def test_failed_operations_are_reported_and_a_launch_ends_a_trouble() -> None:
    story = Story()
    story.record(what="launch", who="ana", operation=1)
    assert story.place.is_open
    story.record(what="launch failed", who="ana", operation=1, reason="Port 80 is taken.")
    story.record(what="launch", who="ana", operation=2)
    story.record(what="launch succeeded", who="ana", operation=2)
    story.record(what="stop", who="ana", operation=3)
    story.record(what="stop failed", who="ana", operation=3, reason="Compose hung.")

    assert story.events == ["operation_failed", "recovered", "operation_failed"]
    assert story.sent[0].reason == "The launch failed. Port 80 is taken."
    assert "by ana" in story.sent[1].reason


def test_a_rolled_back_update_needs_no_recovery() -> None:
    story = Story()
    story.record(what="update", who="ana", operation=1)
    story.record(what="update failed", who="ana", operation=1, reason="It never got healthy.")
    story.look(Status.LAUNCHING).look(Status.RUNNING).later(60).look(Status.RUNNING)
    assert story.events == ["operation_failed"]

    story.record(what="update failed", who="ana", operation=2, reason="It did not go back.")
    story.look(Status.FAILED).later(60).look(Status.RUNNING)
    assert story.events == ["operation_failed", "operation_failed", "recovered"]


def test_an_interrupted_operation_is_reported_without_an_entry() -> None:
    story = Story()
    story.record(what="launch", who="ana", operation=1)
    story.look(Status.LAUNCHING).look(Status.FAILED, interrupted=True)
    story.look(Status.FAILED, interrupted=True)

    assert story.events == ["operation_failed"]
    assert "interrupted" in story.sent[0].reason
    assert "Launch again" in story.sent[0].reason


@pytest.mark.parametrize("ending", ["stop succeeded", "launch cancelled"])
def test_a_manual_stop_is_no_recovery(ending: str) -> None:
    story = Story()
    story.crash()
    story.later(11).look()
    story.record(what=ending, who="ana", operation=1)
    story.later(60).look(Status.RUNNING)

    assert story.events == ["crashed"]


def test_a_message_mentions_nobody_and_fits_its_receiver() -> None:
    notice = Notification(WebhookEvent.CRASHED, ID, 7, START, "<!channel> @everyone " + "x" * 5000)
    sent = payload(WebhookMessage(notice, "A & B", "failed", "http://host/deployments/x"), 2)

    assert len(sent["content"]) < 2000
    assert sent["allowed_mentions"] == {"parse": []}
    assert "<!channel>" not in sent["text"]
    assert "A &amp; B" in sent["text"]
    assert "2 earlier messages did not arrive" in sent["text"]
    assert sent["id"] == payload(WebhookMessage(notice))["id"]
    assert sent["event"] == "crashed"
    assert sent["incident"] == 7
