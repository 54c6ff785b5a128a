"""Orphans on a real engine are listed and can be removed; other projects are not touched."""

import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import docker
import pytest

from app import create_app
from app.config import Settings
from app.core import orphans as stranded
from app.store.history import read_history
from app.store.last_words import list_last_words
from demo.cleaning import remove_everything_of, remove_project
from tests.support.api import Api
from tests.support.command_line import CommandLine
from tests.support.engine.containers import containers_of
from tests.support.engine.images import STANDIN
from tests.support.pages import submit
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count new containers as orphans at once, so that no test must wait a minute."""
    monkeypatch.setattr(stranded, "SETTLED", timedelta(0))


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Api]:
    """Another server on this engine with its own deployments."""
    folder = tmp_path / "others"
    folder.mkdir()
    yield Api(create_app(Settings(deployments_dir=folder, image=STANDIN)))
    remove_everything_of(folder)


def by_hand(api: Api, deployment_id: str, *verb: str) -> Path:
    """Run Compose in a deployment's folder, and return the folder."""
    folder: Path = api.app.config["CONTEXT"].store.folder(deployment_id)
    subprocess.run(["docker", "compose", *verb], cwd=folder, check=True, capture_output=True)
    return folder


def started(api: Api, **fields: Any) -> tuple[str, Path]:
    deployment_id = api.configure(**fields)
    return deployment_id, by_hand(api, deployment_id, "up", "-d")


def listed(api: Api) -> dict[str, Any]:
    return {each["project"]: each for each in api.get("stranded").json}


def networks_of(engine: docker.APIClient, project: str) -> list[Any]:
    return engine.networks(filters={"label": f"com.docker.compose.project={project}"})


def test_containers_of_a_removed_folder_are_listed_and_removed_with_last_words(
    api: Api, other: Api, engine: docker.APIClient, deployments_dir: Path, tmp_path: Path
) -> None:
    (gone, folder), (archived, aside) = started(api, name="Gone"), started(api)
    anothers, _ = started(other)
    folder.rename(tmp_path / "away")
    (deployments_dir / ".archive").mkdir()
    aside = aside.rename(deployments_dir / f".archive/{archived}-20261124T093125Z")
    eventually(lambda: b"listening" in engine.logs(f"{gone}-openclaw-1"))
    try:
        found = listed(api)
        assert {gone, archived} <= found.keys()
        assert (found[gone]["kind"], found[gone]["perhaps"]) == ("folder_gone", False)
        assert found[gone]["containers"][0]["name"] == f"{gone}-openclaw-1"
        assert found[gone]["networks"] == [f"{gone}_default"]
        assert "is in the archive" in found[archived]["why"]
        assert anothers not in found
        assert {gone, archived} & listed(other).keys() == set(), (
            "it does not belong to the other server"
        )
        assert re.search(r"Orphans \(\d+\)", api.page("/").text)
        assert f"remove-{gone}" in api.page("/stranded").text
        asked = api.page(f"/stranded/remove?project={gone}").text
        assert f"Container {gone}-openclaw-1, network {gone}_default." in asked

        refused = api.post("stranded/remove", {"project": anothers})
        assert (refused.status_code, refused.json["code"]) == (409, "not_stranded")
        (tmp_path / "away").rename(folder)
        back = api.post("stranded/remove", {"project": gone})
        assert (back.status_code, back.json["code"]) == (409, "not_stranded")
        folder.rename(tmp_path / "away")
        assert containers_of(engine, gone)

        removed = submit(api.client, "/stranded/remove", "/deployments/new", project=gone)
        assert removed.status_code == 303
        assert f"{gone} was removed." in api.page("/stranded").text
        assert api.post("stranded/remove", {"project": archived}).json["status"] == "removed"
        again = api.post("stranded/remove", {"project": gone})
        for each in (gone, archived):
            assert containers_of(engine, each) + networks_of(engine, each) == []
    finally:
        for each in (gone, archived):
            remove_project(engine, each)

    assert again.status_code == 404
    assert containers_of(engine, anothers)
    [words] = list_last_words(deployments_dir)
    assert words.inspect["Name"] == f"/{gone}-openclaw-1"
    assert "listening" in words.log
    assert list_last_words(aside)
    recorded = [each for each in read_history(deployments_dir) if each.get("project") == gone]
    assert [each["what"] for each in recorded] == ["remove stranded", "remove stranded succeeded"]
    assert recorded[0]["parts"] == f"container {gone}-openclaw-1, network {gone}_default"
    assert recorded[0]["who"] == "a local user"


def test_unstarted_containers_and_lone_networks_are_listed_but_not_foreign_projects(
    api: Api, cli: CommandLine, engine: docker.APIClient
) -> None:
    created, left, strange, unsure = api.configure(), api.configure(), "0badc0ffe1", "0badc0ffe2"
    by_hand(api, created, "create")
    by_hand(api, left, "create")
    engine.remove_container(f"{left}-openclaw-1")
    for project, service in ((strange, "web"), (unsure, "openclaw")):
        labels = {
            "com.docker.compose.project": project,
            "com.docker.compose.service": service,
            "com.docker.compose.project.working_dir": f"/nowhere/{project}",
        }
        image = "deploy-agent-standin:silent"  # Not the image of this server's settings.
        engine.create_container(image, labels=labels, name=f"{project}-{service}-1")
    try:
        found = listed(api)
        assert (found[created]["kind"], found[created]["listed"]) == ("never_started", True)
        assert (found[left]["kind"], found[left]["containers"]) == ("network_left", [])
        assert (found[unsure]["kind"], found[unsure]["perhaps"]) == ("folder_gone", True)
        assert strange not in found
        every = api.page("/stranded/remove").text
        assert created in every
        assert unsure not in every, "projects that may be somebody else's are removed one by one"
        assert api.post("stranded/remove", {"project": strange}).status_code == 409
        assert api.post("stranded/remove", {"project": "nothing"}).status_code == 404

        assert f"{created}\tnever_started\tours\t" in cli.done("stranded")
        assert created in [each["project"] for each in cli.json("stranded")]
        assert cli.call("stranded", "--remove", strange).exit_code == 4
        assert cli.done("stranded", "--remove", created) == f"{created} was removed.\n"
        assert containers_of(engine, created) + networks_of(engine, created) == []
        assert len(containers_of(engine, strange)) == len(containers_of(engine, unsure)) == 1
    finally:
        for project in (strange, unsure):
            remove_project(engine, project)

    assert api.status(created)["operation"]["kind"] == "stop"
    assert {created, left} & listed(api).keys() == {left}
