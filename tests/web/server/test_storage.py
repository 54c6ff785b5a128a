"""With an unwritable disk, actions end with an explained error and leave all files unchanged."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from app import create_app
from app.config import Settings
from tests.support.api import Api
from tests.support.engine.containers import containers_of
from tests.support.engine.images import STANDIN
from tests.support.files.small_disk import fill, mounted
from tests.support.files.write_refusals import WriteRefusals, between, everything_in

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture
def on_small_disk(small_disk: Path) -> Api:
    return Api(create_app(Settings(deployments_dir=small_disk, image=STANDIN)))


@pytest.fixture
def refusals(on_small_disk: Api) -> WriteRefusals:
    def call(method: str, path: str, body: object = None) -> tuple[int, Any]:
        answer = on_small_disk.post(path, body) if method == "POST" else on_small_disk.get(path)
        return answer.status_code, answer.json

    return WriteRefusals(call)


def test_on_a_full_disk_every_verb_that_writes_is_refused(
    refusals: WriteRefusals, small_disk: Path
) -> None:
    filler = fill(small_disk)
    before = everything_in(small_disk)

    # These verbs only add a history line or rename a folder, for which the disk has room.
    without_room = ("stop", "reveal", "restore")
    refusals.assert_refused("disk_full", "The disk is full. Make room", but=without_room)

    assert everything_in(small_disk) == before
    filler.unlink()
    refusals.assert_writable_again()


def test_in_a_read_only_folder_every_verb_is_refused(
    refusals: WriteRefusals, small_disk: Path
) -> None:
    read_only = between(
        ["mount", "-o", "remount,ro", small_disk], ["mount", "-o", "remount,rw", small_disk]
    )

    refusals.assert_refused_while(
        read_only, small_disk, "read_only", "read-only. Mount it writable"
    )


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
