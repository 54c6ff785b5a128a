"""An update ends with the new image and state or with the old image and state."""

import os
from pathlib import Path
from typing import Any

import docker
import pytest

from app import create_app
from app.config import Settings
from app.store import update_files as updates
from app.store.operation_log import read_log
from tests.support.api import Api
from tests.support.engine.containers import containers_of
from tests.support.operations import operation_process
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("preloaded_operations")

OLD, NEW = "deploy-agent-standin:2026.8.2", "deploy-agent-standin:2026.9.6"
NEVER_READY = "deploy-agent-standin:never-ready"
VERSION = "state/standin-version"


def update(api: Api, deployment_id: str, image: str, **more: object):
    return api.post("update", {"deployment_id": deployment_id, "image": image, **more})


def state_of(folder: Path) -> dict[str, tuple[object, ...]]:
    """Return the gateway's state: kind, mode, owner, time and bytes of each file, by path."""
    found = {}
    for path in sorted((folder / "config").rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        link = os.readlink(path) if path.is_symlink() else ""
        owner = status.st_uid, status.st_gid
        named = str(path.relative_to(folder))
        found[named] = (status.st_mode, *owner, status.st_mtime_ns, content, link)
    return found


def rungs(api: Api, deployment_id: str) -> dict[str, str]:
    return {check["name"]: check["state"] for check in api.status(deployment_id)["ladder"]}


def says(folder: Path, number: int, words: str) -> bool:
    return any(words in line for line in read_log(folder, number))


def image_of(engine: docker.APIClient, deployment_id: str) -> str:
    [container] = containers_of(engine, deployment_id)
    return str(engine.inspect_container(container["Id"])["Image"])


def test_an_update_is_verified_and_can_be_reverted(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    folder = deployments_dir / api.configure(image=OLD, name="with a name")
    api.launch(folder.name)
    (folder / "config" / "link").symlink_to("/nowhere")
    before, env = state_of(folder), (folder / ".env").read_bytes()

    answer = update(api, folder.name, NEW)

    assert answer.status_code == 200, answer.text
    assert image_of(engine, folder.name) == engine.inspect_image(NEW)["Id"]
    assert (folder / ".env").read_bytes() == env.replace(OLD.encode(), NEW.encode())
    assert (folder / "config" / VERSION).read_text() == "2026.9.6\n", "its state is migrated"
    assert updates.read_journal(folder) is None

    again = update(api, folder.name, NEW)
    assert again.status_code == 422, "it runs that already"

    back = api.post("go_back", {"deployment_id": folder.name})

    assert back.status_code == 200, back.text
    assert image_of(engine, folder.name) == engine.inspect_image(OLD)["Id"]
    assert (folder / ".env").read_bytes() == env
    assert state_of(folder) == before
    kept = updates.read_kept(folder)
    assert kept is not None
    assert kept.version.image == NEW, "what happened since is set aside"
    page = api.page(f"/deployments/{folder.name}").text
    assert engine.inspect_image(OLD)["Id"].removeprefix("sha256:")[:12] in page
    assert "Go back" in page
    question = api.page(f"/deployments/{folder.name}/update").text
    assert f'value="{OLD}"' in question
    assert f'<option value="{NEW}">' in question


@pytest.fixture
def impatient(settings: Settings) -> Settings:
    return settings.model_copy(update={"launch_timeout": 10})


def test_image_and_state_are_rolled_back_after_a_failed_or_killed_update(
    impatient: Settings, engine: docker.APIClient, deployments_dir: Path
) -> None:
    api = Api(create_app(impatient))
    folder = deployments_dir / api.configure(image=OLD)
    api.launch(folder.name)
    before, env = state_of(folder), (folder / ".env").read_bytes()

    answer = update(api, folder.name, NEVER_READY)

    assert answer.status_code == 502, answer.text
    assert answer.json["code"] == "update_failed"
    words = f"The old version, {OLD} with its state, was put back, and the gateway runs."
    assert words in answer.json["detail"]
    assert "/readyz" in answer.json["detail"], "it says why"
    assert image_of(engine, folder.name) == engine.inspect_image(OLD)["Id"]
    assert state_of(folder) == before
    assert (folder / ".env").read_bytes() == env
    assert api.status(folder.name)["status"] == "running"
    eventually(lambda: rungs(api, folder.name)["token"] == "passed")
    steps = api.page(f"/deployments/{folder.name}/operations/2").text
    assert "Roll back" in steps
    refused = api.post("go_back", {"deployment_id": folder.name})
    assert refused.json["code"] == "nothing_kept"

    update(api, folder.name, NEVER_READY, wait=False)
    eventually(lambda: says(folder, 3, "Waiting for the gateway to answer"))
    operation_process(folder, 3).kill()

    eventually(lambda: api.get(f"operations/{folder.name}/3").json["state"] == "interrupted")
    assert (
        "The next launch or restart first rolls image and state back"
        in api.listed(folder.name)["remark"]
    )
    answer = api.launch(folder.name)
    assert answer.status_code == 200, answer.text
    assert image_of(engine, folder.name) == engine.inspect_image(OLD)["Id"]
    assert state_of(folder) == before
    assert (folder / ".env").read_bytes() == env
    assert api.listed(folder.name)["remark"] == ""


def batch_of(api: Api, number: int) -> dict[str, Any]:
    return dict(api.get(f"update_many/{number}").json)


def test_a_batch_updates_in_order_and_stops_at_the_first_failure(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    good, bad, last = (api.configure(image=OLD, name=each) for each in ("good", "bad", "last"))
    (deployments_dir / bad / "config" / "standin-fault").write_text("crash:9")
    ids = [good, bad, last]

    answer = api.post("update_many", {"deployment_ids": ids, "image": NEW})

    assert answer.status_code == 202, answer.text
    number = answer.json["id"]
    second = api.post("update_many", {"deployment_ids": ids, "image": NEW})
    assert second.json["code"] == "busy", "one batch at a time"
    assert "Cancel the rest" in api.page("/updates").text
    eventually(lambda: batch_of(api, number)["state"] != "running", within=90)
    batch = batch_of(api, number)
    assert batch["state"] == "failed", batch
    assert batch["reason"].startswith("“bad” was not updated: ")
    assert batch["operations"] == {good: 1, bad: 1}
    assert image_of(engine, good) == engine.inspect_image(NEW)["Id"]
    assert containers_of(engine, bad) == [], "it is down, as before"
    for each in (bad, last):
        assert f"OPENCLAW_IMAGE={OLD}\n" in (deployments_dir / each / ".env").read_text()
    page = api.page("/updates").text
    assert [words in page for words in ("was not updated", "left as it is")] == [True, True]

    # The batch skips a gateway that runs this image already.
    again = api.post("update_many", {"deployment_ids": [good], "image": NEW}).json["id"]
    eventually(lambda: batch_of(api, again)["state"] == "succeeded")
    assert batch_of(api, again)["operations"] == {good: 0}
    late = api.post("update_many/cancel", {"id": again})
    assert late.json["code"] == "not_cancelled"
