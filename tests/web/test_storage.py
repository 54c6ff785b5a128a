"""A disk that refuses: a problem in words, nothing half, the old files as they were."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from app import create_app
from app.config import Settings
from demo.cleaning import remove_everything_of
from tests.api import API_KEY, Api
from tests.conftest import STANDIN
from tests.web.test_launch import containers_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one mebibyte, mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=True)
    yield disk
    remove_everything_of(disk)
    subprocess.run(["umount", disk], check=True)


@pytest.fixture
def on_small_disk(small_disk: Path) -> Api:
    return Api(create_app(Settings(deployments_dir=small_disk, image=STANDIN)))


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return filler


def everything_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "filler"
    }


def test_a_full_disk_makes_nothing_and_changes_nothing(
    on_small_disk: Api, small_disk: Path
) -> None:
    deployment_id = on_small_disk.configure()
    filler = fill(small_disk)
    before = everything_in(small_disk)

    configured = on_small_disk.post("configure", {"openrouter_api_key": API_KEY})
    launched = on_small_disk.launch(deployment_id)

    for answer in (configured, launched):
        assert answer.status_code == 507, answer.text
        assert answer.json["code"] == "storage_failed"
        assert "disk is full" in answer.json["detail"]
    assert everything_in(small_disk) == before
    assert [row["deployment_id"] for row in on_small_disk.get("list").json] == [deployment_id]

    filler.unlink()

    assert on_small_disk.launch(deployment_id).json["status"] == "running"


def test_a_gateway_that_filled_the_disk_can_be_stopped(
    on_small_disk: Api, small_disk: Path, engine: docker.APIClient
) -> None:
    deployment_id = on_small_disk.configure()
    on_small_disk.launch(deployment_id)
    fill(small_disk)

    stopped = on_small_disk.stop(deployment_id)

    assert stopped.status_code == 200, stopped.text
    assert containers_of(engine, deployment_id) == []
    assert on_small_disk.listed(deployment_id)["status"] == "stopped"


def test_a_read_only_folder_is_named(on_small_disk: Api, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)

    answer = on_small_disk.post("configure", {"openrouter_api_key": API_KEY})

    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert answer.status_code == 507
    assert "read-only" in answer.json["detail"]
    assert on_small_disk.get("list").json == []
