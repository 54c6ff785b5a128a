"""Cancel: a launch can be cancelled at any time and leaves nothing behind."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from app.core.operations.kinds import OperationKind
from app.store import operation_log, operations
from app.store.history import read_history
from app.store.locks import lock_folder
from app.store.operation_process import process_of
from tests.support.api import Api
from tests.support.engine.containers import containers_of
from tests.support.engine.images import SILENT
from tests.support.waiting import eventually

ME = "a local user"


def launching(api: Api, folder: Path, says: str) -> None:
    """Start a launch, and wait until its log has this text."""
    api.launch(folder.name, wait=False)
    wait_until_it_says(folder, says)


def wait_until_it_says(folder: Path, says: str) -> None:
    eventually(lambda: any(says in line for line in operation_log.read_log(folder, 1)))


def test_a_cancelled_launch_leaves_no_container_and_names_who_cancelled_it(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    folder = deployments_dir / api.configure(image=SILENT)

    with ThreadPoolExecutor() as people:
        waiting = people.submit(Api(api.app).post, "launch", {"deployment_id": folder.name})
        wait_until_it_says(folder, "/healthz gave no answer")
        answers = list(people.map(lambda _: Api(api.app).cancel(folder.name), range(2)))

    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert answer.json["status"] == "stopped"
        assert answer.json["operation"]["state"] == "cancelled"
    assert waiting.result().status_code == 409
    assert waiting.result().json["code"] == "cancelled"
    assert containers_of(engine, folder.name) == []
    listed = api.listed(folder.name)
    assert listed["status"] == "stopped"
    assert listed["reason"].startswith(f"the launch was cancelled by {ME}, ")
    recorded = [(entry["what"], entry["who"]) for entry in read_history(folder)]
    assert recorded.count(("launch cancelled", ME)) == 1
    assert api.launch(folder.name, wait=False).status_code == 202, "the lock must be free"


def test_a_launch_that_has_hardly_begun_is_cancelled(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    folder = deployments_dir / api.configure()
    launched = api.launch(folder.name, wait=False).json["operation"]
    assert process_of(folder, launched["id"]) is None, "it must not listen yet"

    answer = api.cancel(folder.name)

    assert answer.status_code == 200, answer.text
    assert answer.json["operation"]["state"] == "cancelled"
    assert containers_of(engine, folder.name) == []
    lines = [line.partition(" ")[2] for line in operation_log.read_log(folder, 1)]
    assert lines == [f"The launch was cancelled by {ME}."]


def test_an_ended_operation_is_not_cancelled_and_says_how_it_ended(api: Api) -> None:
    deployment_id = api.configure()

    never = api.cancel(deployment_id)
    api.launch(deployment_id)
    late = api.cancel(deployment_id)

    assert (never.status_code, late.status_code) == (409, 409)
    assert late.json["code"] == "not_cancelled"
    assert "The launch had ended already: it succeeded." in late.json["detail"]
    assert api.listed(deployment_id)["status"] == "running"


def test_a_stop_is_not_cancelled(api: Api, deployments_dir: Path) -> None:
    folder = deployments_dir / api.configure()
    lock = lock_folder(folder)
    operations.begin(folder, OperationKind.STOP, "ana")

    answer = api.cancel(folder.name)
    os.close(lock)

    assert answer.status_code == 409
    assert "The stop by ana can't be cancelled" in answer.json["detail"]


def test_a_stop_during_a_launch_cancels_it_and_stops(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    folder = deployments_dir / api.configure(image=SILENT)
    launching(api, folder, "docker compose up -d")

    answer = api.stop(folder.name)

    assert answer.status_code == 200, answer.text
    assert answer.json["status"] == "stopped"
    assert containers_of(engine, folder.name) == []
    assert api.get(f"operations/{folder.name}/1").json["cancelled_by"] == ME
    assert api.listed(folder.name)["reason"].startswith(f"stopped by {ME}, ")


@pytest.mark.parametrize("says", ["docker compose up -d", "Container"])
def test_a_launch_is_cancelled_while_compose_runs(
    api: Api, engine: docker.APIClient, deployments_dir: Path, says: str
) -> None:
    folder = deployments_dir / api.configure(image=SILENT)
    launching(api, folder, says)

    assert api.cancel(folder.name).json["operation"]["state"] == "cancelled"

    assert containers_of(engine, folder.name) == []
    assert engine.networks(filters={"label": f"com.docker.compose.project={folder.name}"}) == []
