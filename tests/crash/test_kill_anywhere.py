"""An action that is killed at any disk step is done completely or not at all.

Either the action's process is killed before a step, or somebody edits the files before a step. A
first, undisturbed run of the action records the steps. `--soak` tries every step of every action;
the suite tries some steps of actions that run Compose.
"""

from itertools import takewhile
from pathlib import Path

import docker
import pytest

from app.core.operations.operation import OperationState
from app.core.settings.env_file import parse_env
from tests.support.crash.crash_scenario import (
    WITH_CONTAINERS,
    WITHOUT_CONTAINERS,
    CrashScenario,
    assert_done_again,
    assert_whole,
)
from tests.support.crash.disk_steps import BY_HAND, DiskStep, Fault, edited_at
from tests.support.soak import rounds

KILLED = -9


def assert_synced(steps: list[DiskStep]) -> None:
    """Assert that a new folder is synced, renamed and its parent synced, without steps between."""
    for place, step in enumerate(steps):
        if step.operation != "rename" or not step.path.startswith("/"):
            continue  # Relative renames only prepare a deletion.
        made = [each.path for each in steps[:place] if each.operation in ("open", "mkdir")]
        synced = [each.path for each in steps[:place] if each.operation == "fsync"]
        following = takewhile(lambda each: each.operation == "fsync", steps[place + 1 :])
        synced_after = [each.path for each in following]
        assert step.path in synced or step.path not in made, f"{step}: its content was not synced"
        assert str(Path(step.target).parent) in synced_after, f"{step}: its folder was not synced"


def chosen(steps: list[DiskStep], name: str, config: pytest.Config) -> list[int]:
    few = rounds(config, 3 if name in WITH_CONTAINERS else 6, len(steps))
    return sorted({round(each * (len(steps) - 1) / (few - 1)) for each in range(few)})


@pytest.mark.parametrize("name", WITHOUT_CONTAINERS | WITH_CONTAINERS)
def test_a_killed_action_is_done_or_not_and_can_be_repeated(
    crashes: CrashScenario, engine: docker.APIClient, name: str, pytestconfig: pytest.Config
) -> None:
    before, verb = (WITHOUT_CONTAINERS | WITH_CONTAINERS)[name]
    steps = crashes.steps(*before, verb=verb)
    assert_synced(steps)
    for number in chosen(steps, name, pytestconfig):
        at = f"{name}, killed before step {number}: {steps[number]}"
        crashes.again()

        code = crashes.run(verb, number)

        assert code == KILLED, at
        assert_whole(crashes, at)
        assert_done_again(crashes, verb, at)
        assert_whole(crashes, at)


WRITERS = ("reconfigure", "rotate", "update")


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=[pytest.mark.soak] * (each in WITH_CONTAINERS)) for each in WRITERS],
)
def test_a_concurrent_manual_edit_survives_every_action(
    crashes: CrashScenario, engine: docker.APIClient, name: str, pytestconfig: pytest.Config
) -> None:
    before, verb = (WITHOUT_CONTAINERS | WITH_CONTAINERS)[name]
    steps = crashes.steps(*before, verb=verb)
    done = env_of(crashes)
    crashes.again()
    undone = env_of(crashes)
    changed = {key for key, value in done.items() if undone.get(key) != value}
    assert changed
    for number in around_writes(steps, pytestconfig):
        at = f"{name}, edited before step {number}: {steps[number]}"
        crashes.again()

        crashes.run(verb, number, Fault.EDITED)

        edited = edited_at(steps[number])
        text = (crashes.root / crashes.id / edited).read_text()
        assert text.count(BY_HAND[edited]) == 1, f"{at}: {edited} is overwritten"
        env, operation = env_of(crashes), crashes.context().store.load(crashes.id).operation
        env.pop("BY_HAND", None)
        assert operation
        if operation.state is OperationState.SUCCEEDED:
            assert {key for key in env if undone.get(key) != env[key]} == changed, at
        else:
            assert env == undone, f"{at}: {operation.reason}"
        assert_whole(crashes, at)


def around_writes(steps: list[DiskStep], config: pytest.Config) -> list[int]:
    """Return the steps that replace a file that somebody edits; with `--soak` also nearby steps."""
    renames = [number for number, step in enumerate(steps) if Path(step.target).name in BY_HAND]
    assert renames
    near = rounds(config, 0, 6)
    found = {each + more for each in renames for more in range(-near, near + 1)}
    return sorted(found & set(range(len(steps))))


def env_of(crashes: CrashScenario) -> dict[str, str]:
    return parse_env((crashes.root / crashes.id / ".env").read_bytes())
