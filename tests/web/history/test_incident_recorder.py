"""Each incident is recorded once in the history, with the gateway's last words."""

import errno
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker
import pytest

from app.config import Settings
from app.core.errors import EngineUnreachable
from app.core.history.incidents import ContainerEvent
from app.engine.containers import Containers
from app.store.history import read_history
from app.store.last_words import list_last_words
from app.usecases.context import build_context
from app.usecases.history.incident_recorder import IncidentRecorder
from app.usecases.history.incident_records import IncidentRecords
from tests.support.api import API_KEY, Api
from tests.support.engine.containers import container_of
from tests.support.incidents import recording, waits_for_its_turn
from tests.support.waiting import eventually


@pytest.fixture
def recorder(settings: Settings, api: Api) -> Iterator[IncidentRecorder]:
    with recording(settings) as found:
        yield found


def incidents(folder: Path) -> list[dict[str, Any]]:
    return [each for each in read_history(folder) if "container" in each]


def test_manual_actions_are_recorded_and_a_crash_loop_is_one_entry(
    recorder: IncidentRecorder, api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure_and_launch(image="deploy-agent-standin:leak-token")
    folder = deployments_dir / deployment_id
    container = container_of(engine, deployment_id)
    assert incidents(folder) == []

    def latest() -> dict[str, Any]:
        return incidents(folder)[-1]

    def started_again() -> bool:
        return latest()["what"] == "started" or bool(latest().get("restarted"))

    engine.stop(container, timeout=30)
    eventually(lambda: incidents(folder) and latest().get("how") == "stopped")
    engine.start(container)
    eventually(started_again)
    engine.pause(container)
    eventually(lambda: latest()["what"] == "paused")
    engine.unpause(container)
    eventually(lambda: latest()["what"] == "unpaused")
    (folder / "config/standin-fault").write_text("crash:78")
    engine.kill(container)
    eventually(lambda: latest().get("signal") == 9)
    assert {each["who"] for each in incidents(folder)} == {"outside"}
    engine.start(container)
    eventually(lambda: latest().get("count", 1) >= 5, within=60)

    crashed = [each for each in incidents(folder) if each["who"] == "the gateway"]
    assert len(crashed) == 1
    assert crashed[0]["code"] == 78
    assert len((folder / ".deploy-agent/history.jsonl").read_text().splitlines()) < 25
    [words, *_] = list_last_words(folder)
    assert words.exit_code == 78
    assert "78" in words.log or "listening" in words.log
    assert "•" in words.log, "the stand-in did print its secrets"
    assert API_KEY not in words.log + json.dumps(words.inspect)
    assert "OPENROUTER_API_KEY" in words.inspect["Config"]["EnvNames"]
    before = len(incidents(folder))
    assert api.stop(deployment_id).status_code == 200
    assert len(incidents(folder)) == before, "a stop of our own is no incident"


def test_a_second_recorder_takes_over_and_missed_incidents_are_recorded_once(
    settings: Settings, api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    first_id, second_id = api.configure_and_launch(), api.configure_and_launch()
    removed, stopped = container_of(engine, first_id), container_of(engine, second_id)
    with recording(settings) as first, recording(settings, waits_for_its_turn) as second:
        engine.pause(stopped)
        engine.unpause(stopped)
        eventually(lambda: len(incidents(deployments_dir / second_id)) == 2)
        assert first.recording
        assert not second.recording
        first.stop()
        eventually(lambda: second.caught_up)
        engine.pause(stopped)
        eventually(lambda: len(incidents(deployments_dir / second_id)) == 3)
        engine.unpause(stopped)
        engine.remove_container(removed, force=True)
        eventually(lambda: incidents(deployments_dir / second_id)[3:])
        recorded = [each["what"] for each in incidents(deployments_dir / second_id)]
        assert recorded == ["paused", "unpaused"] * 2
        eventually(
            lambda: (
                [each.get("how") for each in incidents(deployments_dir / first_id)] == ["removed"]
            )
        )
        [words] = eventually(lambda: list_last_words(deployments_dir / first_id))
    engine.stop(stopped, timeout=30)

    for _ in range(2):
        with recording(settings):
            pass

    assert words.container == removed
    assert (words.exit_code, words.inspect["State"]["ExitCode"]) == (137, 137)
    assert "OPENCLAW_GATEWAY_TOKEN" in words.inspect["Config"]["EnvNames"]
    assert "listening" in words.log
    [*_, ended] = incidents(deployments_dir / second_id)
    assert len(incidents(deployments_dir / second_id)) == 5
    assert (ended["what"], ended["missed"], ended["code"]) == ("exited", True, 0)
    assert list_last_words(deployments_dir / second_id)
    assert len(incidents(deployments_dir / first_id)) == 1


def test_incidents_on_a_full_disk_are_recorded_later(
    settings: Settings, api: Api, deployments_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment_id = api.configure()
    records = IncidentRecords(build_context(settings))

    def hear(action: str, **attributes: str) -> None:
        labels = {"com.docker.compose.service": "openclaw", **attributes}
        records.handle(ContainerEvent(deployment_id, "c" * 64, action, datetime.now(UTC), labels))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            hear("die", exitCode="78")
    hear("start")

    [entry] = incidents(deployments_dir / deployment_id)
    assert (entry["what"], entry["code"], entry["restarted"]) == ("exited", 78, True)


def test_a_silent_exit_is_recorded_and_keeps_earlier_last_words(
    settings: Settings, api: Api, deployments_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = deployments_dir / api.configure()
    records = IncidentRecords(build_context(settings))
    said = {"Created": "2026-11-24T12:00:00Z", "State": {"Status": "exited"}}

    def dies(log: bytes, code: str) -> tuple[str, int | None]:
        monkeypatch.setattr(Containers, "logs", lambda *_: log)
        monkeypatch.setattr(Containers, "description", lambda *_: said)
        labels = {"com.docker.compose.service": "openclaw", "exitCode": code}
        records.handle(ContainerEvent(folder.name, "c" * 64, "die", datetime.now(UTC), labels))
        [words] = list_last_words(folder)
        return words.log, words.exit_code

    assert dies(b"", "137") == ("", 137)
    assert dies(b"now it speaks\n", "1") == ("now it speaks\n", 1)
    assert dies(b"", "78") == ("now it speaks\n", 78)


def test_the_recorder_survives_a_dead_engine_and_a_removed_folder(
    settings: Settings, deployments_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(_: IncidentRecords) -> None:
        raise EngineUnreachable("Nothing answers at Docker Engine's address.")

    monkeypatch.setattr(IncidentRecords, "catch_up", dead)
    # The folder for the lock does not exist yet.
    with recording(settings, waits_for_its_turn) as recorder:
        (deployments_dir / ".deploy-agent").mkdir()
        eventually(lambda: recorder.caught_up)
        (deployments_dir / ".deploy-agent/witness").unlink()
        (deployments_dir / ".deploy-agent").rmdir()
        eventually(lambda: recorder.waiting)
        (deployments_dir / ".deploy-agent").mkdir()
        eventually(lambda: recorder.recording)
