"""Whatever happens before any step on the disk, a deed is done or not done, never half.

Its process is killed, the disk is full, or somebody edits its files just then.
Each step of each verb is found by watching it once. `--soak` dies at every step of every verb;
the suite, where Compose makes it slow, at some.
"""

import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path

import docker
import pytest
import yaml

from app.config import Settings
from app.core.deployment import OperationState
from app.core.envfile import parse_env
from app.core.errors import UserError
from app.core.status import Status
from app.store.history import OURS
from app.usecases.archive import list_archived
from app.usecases.overview import list_deployments
from app.usecases.world import World, build_world
from demo.cleaning import remove_everything_of, remove_project
from tests.crash import verbs
from tests.crash.points import BY_HAND, Fate, Point, edited_at, steps_in
from tests.small_disk import mounted
from tests.soak import rounds

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.crash.verbs"])
KILLED = -9
# An update does not begin where the disk has not 64 for the copy of a state.
_UPDATES_ROOM = 80


class Crashes:
    """One deployment, in a state to which it is put back before each try."""

    def __init__(self, settings: Settings, scratch: Path) -> None:
        self.settings = settings
        self.root = settings.deployments_dir
        self.id = build_world(settings).store.new_id()
        self._kept = scratch / "kept"
        self._trace = scratch / "trace"

    def run(self, verb: verbs.Verb, last: int | None = None, fate: Fate = Fate.KILLED) -> int:
        """Do a verb in a process of its own; return its exit code."""
        self._trace.unlink(missing_ok=True)
        process = _PROCESSES.Process(
            target=verbs.do, args=(verb, self.id, self.settings, self._trace, last, fate)
        )
        process.start()
        process.join(180)
        assert process.exitcode is not None, f"{verb.__name__} did not end"
        return process.exitcode

    def steps(self, *before: verbs.Verb, verb: verbs.Verb) -> list[Point]:
        """Return the steps of a verb, after others; from now on `again` leads before it."""
        for each in before:
            assert self.run(each) == 0
        shutil.copytree(self.root, self._kept, symlinks=True)
        assert self.run(verb) == 0
        return steps_in(self._trace)

    def again(self) -> None:
        shutil.rmtree(self.root)
        shutil.copytree(self._kept, self.root, symlinks=True)

    def world(self) -> World:
        """A server that has just been started."""
        return build_world(self.settings)


@pytest.fixture
def crashes(settings: Settings, tmp_path: Path, engine: docker.APIClient) -> Iterator[Crashes]:
    # Beside other tests the engine may take its time.
    crashes = Crashes(settings.model_copy(update={"engine_timeout": 9}), tmp_path)
    yield crashes
    remove_project(engine, crashes.id)
    remove_everything_of(settings.deployments_dir)


def assert_synced(steps: list[Point]) -> None:
    """What is made is synced, then renamed, then its new folder is synced: before all else."""
    for place, step in enumerate(steps):
        if step.deed != "rename" or not step.path.startswith("/"):
            continue  # Within an open folder things are only moved to be deleted.
        made = [each.path for each in steps[:place] if each.deed in ("open", "mkdir")]
        synced = [each.path for each in steps[:place] if each.deed == "fsync"]
        following = takewhile(lambda each: each.deed == "fsync", steps[place + 1 :])
        synced_after = [each.path for each in following]
        assert step.path in synced or step.path not in made, f"{step}: its content was not synced"
        assert str(Path(step.target).parent) in synced_after, f"{step}: its folder was not synced"


def assert_whole(crashes: Crashes, at: str) -> None:
    """Nothing is half, twice, or said to go on that does not."""
    world = crashes.world()
    cards = list_deployments(world)
    archived = list_archived(world=world)
    assert len(cards) + len(archived) <= 1, at
    for card in cards:
        assert card.verdict.status is not Status.INVALID, f"{at}: {card.verdict.reason}"
        operation = card.deployment.operation
        assert operation is None or operation.state is not OperationState.RUNNING, at
    for deployment in [each.deployment for each in (*cards, *archived)]:
        folder = Path(deployment.folder)
        if any(each.purging for each in archived):
            continue
        env = parse_env((folder / ".env").read_bytes())
        assert env["PORT"].isdecimal(), at
        assert len(env["OPENCLAW_GATEWAY_TOKEN"]) == 64, at
        assert yaml.safe_load((folder / "docker-compose.yml").read_text())["services"], at
        assert json.loads((folder / "config/openclaw.json").read_text())["gateway"], at


WITHOUT_CONTAINERS = {
    "configure": ((), verbs.configure),
    "reconfigure": ((verbs.configure,), verbs.reconfigure),
    "reveal": ((verbs.configure,), verbs.reveal),
    "restore": ((verbs.configure, verbs.archive), verbs.restore),
    "purge": ((verbs.configure, verbs.archive), verbs.purge),
    "stop": ((verbs.configure,), verbs.stop),
    "archive": ((verbs.configure,), verbs.archive),
    "rotate": ((verbs.configure,), verbs.rotate_its_token),
}
WITH_CONTAINERS = {
    "launch": ((verbs.configure,), verbs.launch),
    "restart": ((verbs.configure, verbs.launch), verbs.restart),
    "update": ((verbs.configure, verbs.launch), verbs.update),
}
RECONFIGURED = {
    "reconfigure one that runs": ((verbs.configure, verbs.launch), verbs.reconfigure),
}


def chosen(steps: list[Point], name: str, config: pytest.Config) -> list[int]:
    few = rounds(config, 3 if name in WITH_CONTAINERS else 6, len(steps))
    return sorted({round(each * (len(steps) - 1) / (few - 1)) for each in range(few)})


@pytest.mark.parametrize("name", WITHOUT_CONTAINERS | WITH_CONTAINERS)
def test_a_deed_that_is_killed_is_done_or_not_and_can_be_done_again(
    crashes: Crashes, engine: docker.APIClient, name: str, pytestconfig: pytest.Config
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


@pytest.mark.soak
@pytest.mark.parametrize("name", WITHOUT_CONTAINERS)
def test_a_deed_for_which_the_disk_is_full_is_done_or_not_and_can_be_done_again(
    crashes: Crashes, engine: docker.APIClient, name: str, pytestconfig: pytest.Config
) -> None:
    before, verb = WITHOUT_CONTAINERS[name]
    steps = crashes.steps(*before, verb=verb)
    crashes.again()
    untouched = files_of(crashes)
    for number in range(len(steps)):
        at = f"{name}, the disk full from step {number} on"
        crashes.again()

        code = crashes.run(verb, number, Fate.FULL)

        assert code in (0, verbs.REFUSED, verbs.BROKEN_OFF), at
        assert_whole(crashes, at)
        if code == verbs.REFUSED and name != "purge":
            assert files_of(crashes) == untouched, f"{at}: something was changed"
        if name == "reconfigure":
            assert_not_half(crashes, untouched, at)
        assert_done_again(crashes, verb, at)
        assert_whole(crashes, at)


def assert_not_half(crashes: Crashes, untouched: Mapping[str, bytes], at: str) -> None:
    """What a reconfiguration changes together, it has changed or not."""
    files = files_of(crashes)
    changed = {name for name, data in untouched.items() if files[name] != data}
    both = {f"{crashes.id}/{name}" for name in ("docker-compose.yml", ".env")}
    assert changed & both in (set(), both), f"{at}: half is written"


@pytest.fixture
def crashes_on_small_disk(
    settings: Settings, tmp_path: Path, engine: docker.APIClient
) -> Iterator[Crashes]:
    with mounted(tmp_path / "disk", "deployments", megabytes=_UPDATES_ROOM) as disk:
        on_it = {"deployments_dir": disk / "deployments", "engine_timeout": 9}
        crashes = Crashes(settings.model_copy(update=on_it), tmp_path)
        yield crashes
        remove_project(engine, crashes.id)


@pytest.mark.soak
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize("name", WITH_CONTAINERS | RECONFIGURED)
def test_a_deed_amid_which_the_disk_fills_is_done_or_not_and_can_be_done_again(
    crashes_on_small_disk: Crashes, engine: docker.APIClient, name: str
) -> None:
    crashes = crashes_on_small_disk
    before, verb = (WITH_CONTAINERS | RECONFIGURED)[name]
    steps = crashes.steps(*before, verb=verb)
    # Filled before another step, it is full for the next that needs room.
    for number in (each for each, step in enumerate(steps) if step.needs_room):
        at = f"{name}, the disk full from step {number} on: {steps[number]}"
        if name == "launch":
            remove_project(engine, crashes.id)
        crashes.again()
        untouched = files_of(crashes)

        code = crashes.run(verb, number, Fate.FILLED)

        assert code in (0, verbs.REFUSED, verbs.BROKEN_OFF), at
        assert_whole(crashes, at)
        assert_told(crashes, code, at)
        if code == verbs.REFUSED:
            assert files_of(crashes) == untouched, f"{at}: something was changed"
        if name in RECONFIGURED:
            assert_not_half(crashes, untouched, at)
        (crashes.root.parent / "filler").unlink()
        assert_done_again(crashes, verb, at)
        assert_whole(crashes, at)


def assert_told(crashes: Crashes, code: int, at: str) -> None:
    """Whoever was not refused can see what became of it, and why."""
    operation = crashes.world().store.load(crashes.id).operation
    if code == verbs.REFUSED:
        return
    assert operation, at
    if operation.state is OperationState.FAILED:
        assert operation.code in ("disk_full", "no_room"), (
            f"{at}: {operation.code}: {operation.reason}"
        )
    else:
        assert operation.state in (OperationState.SUCCEEDED, OperationState.INTERRUPTED), at


WRITERS = ("reconfigure", "rotate", "update")


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=[pytest.mark.soak] * (each in WITH_CONTAINERS)) for each in WRITERS],
)
def test_what_is_edited_meanwhile_is_kept_and_a_deed_is_done_beside_it_or_not(
    crashes: Crashes, engine: docker.APIClient, name: str, pytestconfig: pytest.Config
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

        crashes.run(verb, number, Fate.EDITED)

        edited = edited_at(steps[number])
        text = (crashes.root / crashes.id / edited).read_text()
        assert text.count(BY_HAND[edited]) == 1, f"{at}: {edited} is overwritten"
        env, operation = env_of(crashes), crashes.world().store.load(crashes.id).operation
        env.pop("BY_HAND", None)
        assert operation
        if operation.state is OperationState.SUCCEEDED:
            assert {key for key in env if undone.get(key) != env[key]} == changed, at
        else:
            assert env == undone, f"{at}: {operation.reason}"
        assert_whole(crashes, at)


def around_writes(steps: list[Point], config: pytest.Config) -> list[int]:
    """Return the steps by which an edited file gets its place, in full also all those near it."""
    renames = [number for number, step in enumerate(steps) if Path(step.target).name in BY_HAND]
    assert renames
    near = rounds(config, 0, 6)
    found = {each + more for each in renames for more in range(-near, near + 1)}
    return sorted(found & set(range(len(steps))))


def env_of(crashes: Crashes) -> dict[str, str]:
    return parse_env((crashes.root / crashes.id / ".env").read_bytes())


def files_of(crashes: Crashes) -> dict[str, bytes]:
    """Return what a person would call the deployment, by path; what is ours beside it is not."""
    return {
        str(path.relative_to(crashes.root)): path.read_bytes()
        for path in crashes.root.rglob("*")
        if path.is_file() and OURS not in path.parts
    }


def assert_done_again(crashes: Crashes, verb: verbs.Verb, at: str) -> None:
    """Repeat a verb: it is done then, or refused in words since it was done already."""
    if crashes.run(verb) == 0:
        return
    try:
        verb(crashes.id, crashes.world())
    except UserError:
        return
    pytest.fail(f"{at}: refused, and then done")
