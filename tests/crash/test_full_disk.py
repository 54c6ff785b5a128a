"""On a full disk an action is done completely or not at all, and can be repeated.

The tests let the system report a full disk at every step, even at a sync, where a write may fail
late. They also fill a real disk before every step that needs space.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest

from app.config import Settings
from app.core.operations.operation import ROLLBACK_FAILED, OperationState
from demo.cleaning import remove_project
from tests.support.crash import actions
from tests.support.crash.crash_scenario import (
    WITH_CONTAINERS,
    WITHOUT_CONTAINERS,
    CrashScenario,
    assert_done_again,
    assert_whole,
    files_of,
)
from tests.support.crash.disk_steps import Fault
from tests.support.files.small_disk import mounted

pytestmark = pytest.mark.soak

# Megabytes of the small disk. An update needs 64 MB free for the copy of the state.
_UPDATES_ROOM = 80
RECONFIGURED = {
    "reconfigure one that runs": ((actions.configure, actions.launch), actions.reconfigure),
}


@pytest.mark.parametrize("name", WITHOUT_CONTAINERS)
def test_an_action_is_done_or_not_on_a_full_disk_and_can_be_repeated(
    crashes: CrashScenario, name: str
) -> None:
    before, verb = WITHOUT_CONTAINERS[name]
    steps = crashes.steps(*before, verb=verb)
    crashes.again()
    untouched = files_of(crashes)
    for number in range(len(steps)):
        at = f"{name}, the disk full from step {number} on"
        crashes.again()

        code = crashes.run(verb, number, Fault.FULL)

        assert code in (0, actions.REFUSED, actions.BROKEN_OFF), at
        assert_whole(crashes, at)
        if code == actions.REFUSED and name != "purge":
            assert files_of(crashes) == untouched, f"{at}: something was changed"
        if name == "reconfigure":
            assert_not_half(crashes, untouched, at)
        assert_done_again(crashes, verb, at)
        assert_whole(crashes, at)


def assert_not_half(crashes: CrashScenario, untouched: Mapping[str, bytes], at: str) -> None:
    """Assert that a reconfiguration has changed all of its files or none."""
    files = files_of(crashes)
    changed = {name for name, data in untouched.items() if files[name] != data}
    both = {f"{crashes.id}/{name}" for name in ("docker-compose.yml", ".env")}
    assert changed & both in (set(), both), f"{at}: half is written"


def assert_can_be_undone(crashes: CrashScenario, untouched: Mapping[str, bytes], at: str) -> None:
    """Assert that a failed reconfiguration that changed files can be undone."""
    operation = crashes.context().store.load(crashes.id).operation
    if operation and operation.can_be_resumed:
        assert crashes.run(actions.undo_reconfiguration) == 0, at
    elif operation and operation.state is OperationState.SUCCEEDED:
        return
    files = files_of(crashes)
    for name in (f"{crashes.id}/docker-compose.yml", f"{crashes.id}/.env"):
        assert files[name] == untouched[name], f"{at}: {name} is not as it was"


@pytest.fixture
def crashes_on_small_disk(
    settings: Settings, tmp_path: Path, engine: docker.APIClient
) -> Iterator[CrashScenario]:
    with mounted(tmp_path / "disk", "deployments", megabytes=_UPDATES_ROOM) as disk:
        on_it = {"deployments_dir": disk / "deployments", "engine_timeout": 9}
        crashes = CrashScenario(settings.model_copy(update=on_it), tmp_path)
        yield crashes
        remove_project(engine, crashes.id)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize("name", WITH_CONTAINERS | RECONFIGURED)
def test_an_action_is_done_or_not_if_the_disk_fills_meanwhile_and_can_be_repeated(
    crashes_on_small_disk: CrashScenario, engine: docker.APIClient, name: str
) -> None:
    crashes = crashes_on_small_disk
    before, verb = (WITH_CONTAINERS | RECONFIGURED)[name]
    steps = crashes.steps(*before, verb=verb)
    # Fill the disk only before steps that need space. Filled earlier, it would be full for the same
    # step.
    for number in (each for each, step in enumerate(steps) if step.needs_room):
        at = f"{name}, the disk full from step {number} on: {steps[number]}"
        if name == "launch":
            remove_project(engine, crashes.id)
        crashes.again()
        untouched = files_of(crashes)

        code = crashes.run(verb, number, Fault.FILLED)

        assert code in (0, actions.REFUSED, actions.BROKEN_OFF), at
        assert_whole(crashes, at)
        assert_exit_code(crashes, code, at)
        if code == actions.REFUSED:
            assert files_of(crashes) == untouched, f"{at}: something was changed"
        (crashes.root.parent / "filler").unlink()
        if name in RECONFIGURED:
            assert_not_half(crashes, untouched, at)
            assert_can_be_undone(crashes, untouched, at)
        assert_done_again(crashes, verb, at)
        assert_whole(crashes, at)


def assert_exit_code(crashes: CrashScenario, code: int, at: str) -> None:
    """Assert that the operation of an action that was not refused shows its outcome and reason."""
    operation = crashes.context().store.load(crashes.id).operation
    if code == actions.REFUSED:
        return
    assert operation, at
    if operation.state is OperationState.FAILED:
        explained = operation.code in ("disk_full", "no_room")
        not_back = operation.code == ROLLBACK_FAILED and "The disk is full." in operation.reason
        assert explained or not_back, f"{at}: {operation.code}: {operation.reason}"
    else:
        assert operation.state in (OperationState.SUCCEEDED, OperationState.INTERRUPTED), at
