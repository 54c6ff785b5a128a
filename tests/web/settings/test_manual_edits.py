"""Manual edits of files are recorded in the history with the changed keys, but no values."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.store import history
from app.usecases.context import AppContext
from app.usecases.settings.manual_edits import ManualEdits
from tests.support.api import Api


def edited(file: Path, text: str, seconds_ago: int = 20) -> datetime:
    file.write_text(text)
    return dated(file, seconds_ago)


def dated(file: Path, seconds_ago: int = 20) -> datetime:
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=seconds_ago)
    os.utime(file, (at.timestamp(), at.timestamp()))
    return at


def newest(folder: Path) -> dict[str, Any]:
    return history.read_history(folder)[-1]


@pytest.fixture
def folder(api: Api, deployments_dir: Path) -> Path:
    return deployments_dir / api.configure(timezone="Europe/Berlin")


@pytest.fixture
def edits(context: AppContext, folder: Path) -> ManualEdits:
    edits = ManualEdits(context)
    edits.poll()
    return edits


def test_an_edit_of_env_is_recorded_once_with_its_keys(edits: ManualEdits, folder: Path) -> None:
    env = folder / ".env"
    text = env.read_text().replace("Europe/Berlin", "Asia/Tokyo") + "SLACK_BOT_TOKEN=xoxb-canary\n"

    at = edited(env, text)
    edits.poll()
    edits.poll()

    recorded = newest(folder)
    assert (recorded["what"], recorded["keys"]) == ("env_edited", ["SLACK_BOT_TOKEN", "TZ"])
    assert datetime.fromisoformat(recorded["at"]) == at
    assert recorded["who"] == "outside"
    assert len(history.read_history(folder)) == 2
    assert "canary" not in (folder / ".deploy-agent/history.jsonl").read_text()


def test_an_edit_of_the_compose_file_is_recorded_unless_only_a_comment(
    edits: ManualEdits, folder: Path
) -> None:
    compose_file = folder / "docker-compose.yml"
    edited(folder / ".env", "# mine\n" + (folder / ".env").read_text())
    edits.poll()
    assert newest(folder)["what"] == "configure"

    edited(compose_file, compose_file.read_text() + "# mine\n")
    edits.poll()

    assert newest(folder)["what"] == "compose_edited"


def test_an_edit_that_breaks_a_file_is_recorded_once_it_is_valid_again(
    edits: ManualEdits, folder: Path
) -> None:
    env = folder / ".env"
    whole = env.read_text()
    edited(env, 'PORT="not closed\n')
    edits.poll()
    edited(env, whole + "OPENCLAW_MODEL=openrouter/auto\n")
    edits.poll()

    assert newest(folder)["keys"] == ["OPENCLAW_MODEL"]


@pytest.mark.parametrize(
    "ours", [{"what": "restore", "who": "ana"}, {"what": "update", "who": "ana", "operation": 3}]
)
def test_our_own_changes_are_no_manual_edits(
    edits: ManualEdits, folder: Path, ours: dict[str, Any]
) -> None:
    at = edited(folder / ".env", (folder / ".env").read_text() + "TZ=UTC\n")
    history.append(folder, {"at": at.isoformat(), **ours})

    edits.poll()

    assert newest(folder)["what"] == ours["what"]


def test_a_file_written_just_now_is_checked_later(edits: ManualEdits, folder: Path) -> None:
    edited(folder / ".env", (folder / ".env").read_text() + "TZ=UTC\n", seconds_ago=0)
    edits.poll()
    assert newest(folder)["what"] == "configure"

    dated(folder / ".env")
    edits.poll()

    assert newest(folder)["what"] == "env_edited"
