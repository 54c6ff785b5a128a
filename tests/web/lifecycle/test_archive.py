"""Archive, restore, purge and restart, through API and page, on the real engine."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import docker
import pytest

from app.core.operations.kinds import OperationKind
from app.store import operations
from app.store.history import read_history
from app.store.locks import lock_folder
from app.usecases.lifecycle.purge import purge_archived
from tests.support.api import API_KEY, Api
from tests.support.engine.containers import containers_of
from tests.support.engine.images import STANDIN
from tests.support.pages import HTMX, submit
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("preloaded_operations")


def archive(api: Api, deployment_id: str) -> None:
    answer = api.post("archive", {"deployment_id": deployment_id})
    assert (answer.status_code, answer.json.get("status")) == (200, "archived"), answer.text


def put_aside(api: Api, deployment_id: str) -> str:
    """Archive a deployment that never ran, without Compose, which saves time."""
    return str(api.app.config["CONTEXT"].store.archive.add(deployment_id))


def archived_name(api: Api, deployment_id: str) -> str:
    [row] = [row for row in api.get("archived").json if row["deployment_id"] == deployment_id]
    return str(row["archived"])


def test_an_archived_deployment_frees_its_port_and_may_return_on_another(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure(name="Support bot")
    port = api.launch(deployment_id).json["port"]
    env = deployments_dir / deployment_id / ".env"
    env.write_text(f"# ours\n{env.read_text()}UNKNOWN=kept # as it is\n")

    archive(api, deployment_id)

    assert containers_of(engine, deployment_id) == []
    assert api.get("list").json == []
    assert api.get("archived").json[0]["name"] == "Support bot"
    assert api.get(f"status/{deployment_id}").status_code == 404
    assert api.get(f"operations/{deployment_id}/2").json["state"] == "succeeded"
    moved = api.page(f"/deployments/{deployment_id}")
    assert moved.headers["Location"] == f"/archive#{archived_name(api, deployment_id)}"

    newcomer = api.configure(name="Newcomer", port=int(port))
    restored = api.post("restore", {"deployment_id": deployment_id})

    assert restored.status_code == 200, restored.text
    assert restored.json["port"] != port
    assert f"Port {port} is taken by the deployment Newcomer" in restored.json["remarks"][0]
    written = env.read_text()
    assert written.startswith(f"# ours\nPORT={restored.json['port']}\n")
    assert "UNKNOWN=kept # as it is\n" in written
    config = (deployments_dir / deployment_id / "config/openclaw.json").read_text()
    assert f"http://localhost:{restored.json['port']}" in config
    assert str(port) not in config
    listed = api.listed(deployment_id)
    assert listed["status"] == "stopped"
    assert "taken down by a local user to be archived" in listed["reason"]
    assert "listening" in api.get(f"logs/{deployment_id}").json["logs"], "its last words"

    launched = [api.launch(each) for each in (newcomer, deployment_id)]

    assert [each.json["status"] for each in launched] == ["running", "running"]
    recorded = [entry["what"] for entry in read_history(deployments_dir / deployment_id)]
    assert recorded[:6] == [
        "configure", "launch", "launch succeeded", "archive", "archive succeeded", "restore",
    ]  # fmt: skip


def test_a_restore_gives_back_a_free_port_and_changes_no_file(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    folder = deployments_dir / deployment_id
    files = (".env", "docker-compose.yml", "config/openclaw.json")
    before = [(folder / name).read_bytes() for name in files]
    put_aside(api, deployment_id)

    restored = api.post("restore", {"deployment_id": deployment_id})

    assert restored.json["remarks"] == []
    assert [(folder / name).read_bytes() for name in files] == before


def test_a_restore_replaces_no_listed_deployment(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure()
    put_aside(api, deployment_id)
    (deployments_dir / deployment_id).mkdir()

    refused = api.post("restore", {"deployment_id": deployment_id})

    assert (refused.status_code, refused.json["code"]) == (409, "not_restored")
    assert "in the list already" in refused.json["detail"]
    assert archived_name(api, deployment_id)


def test_a_purge_needs_the_exact_name(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure(name="Support bot")
    name = put_aside(api, deployment_id)
    folder = deployments_dir / ".archive" / name
    (folder / "workspace/outside").symlink_to(deployments_dir)

    for wrong in ("support bot", deployment_id, "Support", "Support  bot"):
        refused = api.post("purge", {"deployment_id": deployment_id, "confirm": wrong})
        assert refused.status_code == 422
        assert refused.json["errors"][0]["field"] == "confirm"
    assert folder.exists()
    other = api.configure()

    gone = api.post("purge", {"deployment_id": name, "confirm": " Support bot "})

    assert gone.json == {"ok": True, "deployment_id": deployment_id, "status": "purged"}
    assert list((deployments_dir / ".archive").iterdir()) == []
    assert api.listed(other)
    recorded = read_history(deployments_dir)
    assert [(each["what"], each["name"]) for each in recorded] == [
        ("purge", "Support bot"),
        ("purge succeeded", "Support bot"),
    ]
    again = api.post("purge", {"deployment_id": deployment_id, "confirm": "Support bot"})
    assert again.status_code == 404


def test_a_listed_deployment_cannot_be_purged(api: Api) -> None:
    deployment_id = api.configure()

    refused = api.post("purge", {"deployment_id": deployment_id, "confirm": deployment_id})

    assert refused.status_code == 404
    assert api.listed(deployment_id)


def test_a_purge_that_failed_midway_is_shown_and_can_be_repeated(
    api: Api, deployments_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment_id = api.configure(name="Support bot")
    put_aside(api, deployment_id)
    body = {"deployment_id": deployment_id, "confirm": "Support bot"}

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "read-only")

    with monkeypatch.context() as patched:
        patched.setattr(os, "rmdir", refuse)
        failed = api.post("purge", body)
    restored = api.post("restore", {"deployment_id": deployment_id})
    page = api.page("/archive").text

    assert (failed.status_code, failed.json["code"]) == (409, "not_purged")
    assert "read-only" in failed.json["detail"]
    assert api.get("archived").json[0]["purge_begun"] is True
    assert restored.json["code"] == "not_restored"
    assert "Partly deleted" in page
    assert 'id="restore-' not in page
    assert api.post("purge", body).json["status"] == "purged"
    assert [each["what"] for each in read_history(deployments_dir)] == [
        "purge", "purge failed", "purge", "purge succeeded",
    ]  # fmt: skip


def test_a_long_purge_continues_after_the_request(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment_id = api.configure()
    put_aside(api, deployment_id)
    released = Event()
    rmdir = os.rmdir
    monkeypatch.setattr(
        os, "rmdir", lambda *given, **more: released.wait(30) and rmdir(*given, **more)
    )
    context = api.app.config["CONTEXT"]

    gone = purge_archived(deployment_id, deployment_id, actor="ana", context=context, wait=0)
    begun = eventually(lambda: api.get("archived").json[0]["purge_begun"])
    page = api.page("/archive").text
    released.set()

    assert (gone, begun) == (False, True)
    assert "Being deleted" in page
    eventually(lambda: api.get("archived").json == [])


def test_a_purge_refuses_while_a_container_exists(api: Api, engine: docker.APIClient) -> None:
    deployment_id = api.configure()
    put_aside(api, deployment_id)
    label = {"com.docker.compose.project": deployment_id}
    container = engine.create_container(STANDIN, labels=label)
    try:
        refused = api.post("purge", {"deployment_id": deployment_id, "confirm": deployment_id})
    finally:
        engine.remove_container(container, force=True)

    assert refused.status_code == 409
    assert f"docker compose -p {deployment_id} down" in refused.json["detail"]
    assert archived_name(api, deployment_id)


def test_of_two_concurrent_restores_one_succeeds(api: Api) -> None:
    deployment_id = api.configure()
    put_aside(api, deployment_id)

    def restore(_: int) -> int:
        client = Api(api.app)
        return client.post("restore", {"deployment_id": deployment_id}).status_code

    with ThreadPoolExecutor(2) as both:
        codes = sorted(both.map(restore, range(2)))

    assert codes[0] == 200
    assert codes[1] in (404, 409)
    assert api.listed(deployment_id)


def test_a_second_click_joins_the_operation_and_another_action_is_refused(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    folder = deployments_dir / deployment_id
    lock = lock_folder(folder)
    try:
        operations.begin(folder, OperationKind.STOP, "a local user")
        stopped = submit(api.client, f"/deployments/{deployment_id}/stop", "/deployments/new")
        archived = submit(api.client, f"/deployments/{deployment_id}/archive", "/deployments/new")
    finally:
        os.close(lock)

    assert stopped.status_code == 303
    assert archived.status_code == 409
    assert "A stop by a local user is still running" in archived.text


def test_a_damaged_deployment_is_archived_restored_and_purged_by_id(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure(name="Support bot")
    env = deployments_dir / deployment_id / ".env"
    env.write_text("DEPLOYMENT_NAME='open\n")

    archive(api, deployment_id)
    restored = api.post("restore", {"deployment_id": deployment_id})
    assert restored.json["port"] is None
    assert env.read_text() == "DEPLOYMENT_NAME='open\n"
    put_aside(api, deployment_id)
    purged = api.post("purge", {"deployment_id": deployment_id, "confirm": deployment_id})

    assert purged.json["status"] == "purged"


def test_a_symlinked_archive_is_refused_before_anything_is_stopped(
    api: Api, deployments_dir: Path, tmp_path: Path
) -> None:
    deployment_id = api.configure()
    (deployments_dir / ".archive").symlink_to(tmp_path)

    refused = api.post("archive", {"deployment_id": deployment_id})

    assert refused.status_code == 507
    assert "not followed" in refused.json["detail"]
    assert api.status(deployment_id)["operation"] is None


def test_with_several_archives_of_one_id_the_archive_must_be_named(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    put_aside(api, deployment_id)
    older = f"{deployment_id}-20250101T000000Z"
    (deployments_dir / ".archive" / older).mkdir()

    refused = api.post("restore", {"deployment_id": deployment_id})

    assert refused.status_code == 422
    assert older in refused.json["detail"]
    assert api.post("purge", {"deployment_id": older, "confirm": deployment_id}).status_code == 200
    assert api.post("restore", {"deployment_id": deployment_id}).status_code == 200


def test_a_restart_applies_edits_and_is_verified(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure()
    api.launch(deployment_id)
    first = api.status(deployment_id)["containers"][0]["id"]
    env = deployments_dir / deployment_id / ".env"
    env.write_text(env.read_text().replace("MEMORY_LIMIT=2g", "MEMORY_LIMIT=1g"))

    restarted = api.post("restart", {"deployment_id": deployment_id})

    assert restarted.json["status"] == "running", restarted.text
    status = api.status(deployment_id)
    assert status["containers"][0]["id"] != first
    assert status["operation"]["kind"] == "restart"
    env.write_text(env.read_text().replace("OPENCLAW_IMAGE=", "OPENCLAW_IMAGE=localhost:1/no/"))

    failed = api.post("restart", {"deployment_id": deployment_id})

    assert failed.status_code == 502
    still = api.status(deployment_id)["containers"][0]
    assert (still["id"], still["state"]) == (status["containers"][0]["id"], "running")


def test_each_confirmation_says_what_will_happen_and_its_command_line(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure(name="<b>Zoo</b>")
    for verb, line in (
        ("stop", "docker compose down"),
        ("restart", "docker compose up -d --force-recreate"),
        ("archive", "docker compose down"),
    ):
        path = f"/deployments/{deployment_id}/{verb}"
        page, fragment = api.page(f"{path}?back_to=/"), api.page(path, headers=HTMX)
        assert "&lt;b&gt;Zoo&lt;/b&gt;" in page.text
        assert line in page.text
        assert 'href="/"' in page.text
        assert f'action="{path}"' in page.text
        assert "<html" not in fragment.text
        assert f'action="{path}"' in fragment.text
        assert "HX-Request" in fragment.vary
    assert 'href="//evil' not in api.page(f"/deployments/{deployment_id}/stop?back_to=//evil").text
    assert api.page("/deployments/0123456789/archive").status_code == 404


def test_a_person_without_javascript_archives_restores_and_deletes(api: Api) -> None:
    deployment_id = api.configure(name="Support bot")
    path = f"/archive/{put_aside(api, deployment_id)}"

    restored = submit(api.client, f"{path}/restore", "/deployments/new")
    assert restored.headers["Location"] == f"/deployments/{deployment_id}"
    assert "“Support bot” is back, with port" in api.page(f"/deployments/{deployment_id}").text

    path = f"/archive/{put_aside(api, deployment_id)}"
    assert "Archive (1)" in api.page("/").text
    wrong = submit(api.client, f"{path}/purge", "/deployments/new", confirm="Support")
    assert wrong.status_code == 422
    assert 'value="Support"' in wrong.text
    assert "Must be Support bot, written exactly so." in wrong.text
    right = submit(api.client, f"{path}/purge", "/deployments/new", confirm="Support bot")
    assert right.headers["Location"] == "/archive"
    page = api.page("/archive").text
    assert "“Support bot” was deleted for good." in page
    assert "Nothing is archived" in page


def test_the_archive_can_be_searched_and_shows_no_secret(api: Api, deployments_dir: Path) -> None:
    for name in ("Support bot", "Night shift"):
        put_aside(api, api.configure(name=name))

    found = api.page("/archive?q=NIGHT").text

    assert "Night shift" in found
    assert "Support bot" not in found
    assert "None of the 2" in api.page("/archive?q=<zoo>").text
    assert API_KEY not in api.page("/archive").text + api.get("archived").text


def test_an_archive_action_refuses_a_locked_deployment(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure(name="Support bot")
    put_aside(api, deployment_id)
    lock = lock_folder(deployments_dir / ".archive" / archived_name(api, deployment_id))
    try:
        body = {"deployment_id": deployment_id}
        restored = api.post("restore", body)
        purged = api.post("purge", {**body, "confirm": "Support bot"})
    finally:
        os.close(lock)

    for refused in (restored, purged):
        assert refused.status_code == 409
        assert "Somebody works on “Support bot” right now." in refused.json["detail"]
