"""After any actions by anybody, every shown status is right and agrees with Docker.

Actions run in any order: API calls, manual Docker commands, and edits of a folder's files. The
model (`tests/support/status/status_model.py`) records their effects. After each action the test
inspects the containers, and list, status call, pages and a new command must show the expected
status. The suite has one sequence of actions. With `--soak`, Hypothesis chooses the actions, also
on a separate engine that stops and starts.
"""

import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from demo.cleaning import remove_project
from tests.support.api import API_KEY
from tests.support.engine.gate import LEAVES_SOCKETS
from tests.support.engine.own_engine import OwnEngine, running_engine, why_no_engine
from tests.support.files.env_edits import edit_env
from tests.support.server import Server
from tests.support.status.status_model import (
    LISTED,
    WITH_CONTAINER,
    Inspection,
    ModelDeployment,
    Stage,
    expected_statuses,
    inspect_container_of,
    run_in,
)
from tests.support.status.status_readers import StatusReaders
from tests.support.waiting import eventually

pytestmark = LEAVES_SOCKETS

# A shown status may be a second old. The other seconds are for a busy machine.
_SOON = 10
# Many calls go to a silent engine, and each call waits for its timeout of 1.5 s.
_AWAY = 30
_DEPLOYMENTS = 2


@dataclass
class Tally:
    """The actions done, the statuses seen, and the seconds until all were right again."""

    done: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


# The names of all actions.
ACTIONS = {"configure"}


def action(
    *stages: Stage, only_if: Callable[[ModelDeployment], bool] = lambda deployment: True
) -> Any:
    """Make a Hypothesis rule from an action on a deployment in one of these stages."""

    def fits(deployment: ModelDeployment) -> bool:
        return deployment.stage in stages and only_if(deployment)

    def decorate(do: Callable[["Actions", ModelDeployment], None]) -> Any:
        def on_one(self: "Actions", which: int) -> None:
            deployment = next(filter(fits, (*self.deployment[which:], *self.deployment)))
            with self.doing(do.__name__):
                do(self, deployment)

        on_one.__name__ = do.__name__
        ACTIONS.add(do.__name__)
        possible = precondition(lambda self: not self.away and any(map(fits, self.deployment)))
        return possible(rule(which=st.integers(0, _DEPLOYMENTS - 1))(on_one))

    return decorate


class Actions(RuleBasedStateMachine):
    """A state machine whose rules are actions. Actions may harm `own_engine`, if given."""

    def __init__(
        self,
        server: Server,
        engine: docker.APIClient,
        tally: Tally,
        own_engine: OwnEngine | None = None,
    ) -> None:
        super().__init__()
        self.server, self.engine, self.own_engine = server, engine, own_engine
        self.readers = StatusReaders(server)
        self.root = Path(str(server.settings["deployments_dir"]))
        self.deployment: list[ModelDeployment] = []
        self.away = ""
        self.tally = tally
        self.done_at = time.monotonic()

    def teardown(self) -> None:
        self._bring_back()
        for deployment in self.deployment:
            remove_project(self.engine, deployment.id)
            shutil.rmtree(deployment.folder, ignore_errors=True)
        shutil.rmtree(self.root / ".archive", ignore_errors=True)

    @contextmanager
    def doing(self, name: str) -> Iterator[None]:
        self.tally.done[name] += 1
        yield
        self.done_at = time.monotonic()

    # Actions by Deploy Agent.

    @precondition(lambda self: not self.away and len(self.deployment) < _DEPLOYMENTS)
    @rule()
    def configure(self) -> None:
        with self.doing("configure"):
            status, answer = self.server.call("POST", "configure", {"openrouter_api_key": API_KEY})
        assert status == 200, answer
        deployment_id = str(answer["deployment_id"])
        self.deployment.append(ModelDeployment(deployment_id, self.root / deployment_id))

    @action(*LISTED)
    def launch(self, deployment: ModelDeployment) -> None:
        self._bring_up("launch", deployment)

    @action(*LISTED)
    def restart(self, deployment: ModelDeployment) -> None:
        self._bring_up("restart", deployment)

    def _bring_up(self, verb: str, deployment: ModelDeployment) -> None:
        if not deployment.can_come_up:
            assert self._call(verb, deployment)["code"] == "deployment_invalid"
        elif deployment.is_broken:
            assert self._call(verb, deployment)["code"] == "launch_failed"
            deployment.lost_container("failed")
        else:
            answer = self._call(verb, deployment)
            assert answer["status"] == "running", answer
            inspection = self._word(deployment)
            assert inspection
            deployment.stage, deployment.without, deployment.verified_run = (
                Stage.UP,
                "stopped",
                run_in(inspection),
            )

    @action(*LISTED)
    def stop(self, deployment: ModelDeployment) -> None:
        assert self._call("stop", deployment)["status"] == "stopped"
        deployment.lost_container("stopped")

    @action(*LISTED)
    def archive(self, deployment: ModelDeployment) -> None:
        assert self._call("archive", deployment)["status"] == "archived"
        deployment.lost_container("stopped")
        deployment.stage = Stage.ARCHIVED

    @action(Stage.ARCHIVED)
    def restore(self, deployment: ModelDeployment) -> None:
        assert self._call("restore", deployment)["status"] == "stopped"
        deployment.stage = Stage.NONE

    def _call(self, verb: str, deployment: ModelDeployment) -> dict[str, Any]:
        return dict(self.server.call("POST", verb, {"deployment_id": deployment.id})[1])

    # Manual Docker commands.

    @action(Stage.UP)
    def docker_kill(self, deployment: ModelDeployment) -> None:
        self.engine.kill(self._container(deployment))
        deployment.stage = Stage.DOWN

    @action(Stage.UP, Stage.LOOPING)
    def docker_stop(self, deployment: ModelDeployment) -> None:
        self.engine.stop(self._container(deployment), timeout=30)
        deployment.stage = Stage.DOWN

    @action(Stage.DOWN)
    def docker_start(self, deployment: ModelDeployment) -> None:
        self.engine.start(self._container(deployment))
        deployment.stage = Stage.LOOPING if deployment.is_broken else Stage.UP

    @action(Stage.UP)
    def docker_restart(self, deployment: ModelDeployment) -> None:
        self.engine.restart(self._container(deployment), timeout=30)

    @action(Stage.UP)
    def docker_pause(self, deployment: ModelDeployment) -> None:
        eventually(lambda: self._paused(deployment))
        deployment.stage = Stage.PAUSED

    @action(Stage.PAUSED)
    def docker_unpause(self, deployment: ModelDeployment) -> None:
        self.engine.unpause(self._container(deployment))
        deployment.stage = Stage.UP

    @action(*WITH_CONTAINER)
    def docker_rm(self, deployment: ModelDeployment) -> None:
        self.engine.remove_container(self._container(deployment), force=True)
        deployment.lost_container(deployment.without)

    @action(
        Stage.NONE, only_if=lambda deployment: deployment.can_come_up and not deployment.is_broken
    )
    def compose_up(self, deployment: ModelDeployment) -> None:
        command = ["docker", "compose", "up", "--detach"]
        subprocess.run(command, cwd=deployment.folder, check=True, capture_output=True)
        deployment.stage = Stage.UP

    def _paused(self, deployment: ModelDeployment) -> bool:
        """Pause a container, and return whether this worked: on a busy machine runc may give up."""
        with suppress(docker.errors.APIError):
            self.engine.pause(self._container(deployment))
            return True
        return False

    # Manual edits in the folder.

    @action(*LISTED, only_if=lambda deployment: not deployment.is_invalid)
    def edit_env(self, deployment: ModelDeployment) -> None:
        edit_env(deployment.folder, OPENCLAW_MODEL=f"openrouter/edit-{time.time_ns()}")

    @action(*LISTED, only_if=lambda deployment: not deployment.is_invalid)
    def garble_env(self, deployment: ModelDeployment) -> None:
        deployment.env = (deployment.folder / ".env").read_bytes()
        (deployment.folder / ".env").write_bytes(deployment.env + b'SLACK_BOT_TOKEN="not closed\n')

    @action(*LISTED, only_if=lambda deployment: not deployment.is_invalid)
    def take_port_away(self, deployment: ModelDeployment) -> None:
        deployment.env = (deployment.folder / ".env").read_bytes()
        (deployment.folder / ".env").write_bytes(deployment.env.replace(b"PORT=", b"# PORT=", 1))

    @action(*LISTED, only_if=lambda deployment: not deployment.is_invalid)
    def remove_env(self, deployment: ModelDeployment) -> None:
        deployment.env = (deployment.folder / ".env").read_bytes()
        (deployment.folder / ".env").unlink()

    @action(*LISTED, only_if=lambda deployment: deployment.is_invalid)
    def mend_env(self, deployment: ModelDeployment) -> None:
        (deployment.folder / ".env").write_bytes(deployment.env or b"")
        deployment.env = None

    @action(*LISTED, only_if=lambda deployment: deployment.compose_file is None)
    def remove_compose_file(self, deployment: ModelDeployment) -> None:
        deployment.compose_file = (deployment.folder / "docker-compose.yml").read_bytes()
        (deployment.folder / "docker-compose.yml").unlink()

    @action(*LISTED, only_if=lambda deployment: deployment.compose_file is not None)
    def put_compose_file_back(self, deployment: ModelDeployment) -> None:
        (deployment.folder / "docker-compose.yml").write_bytes(deployment.compose_file or b"")
        deployment.compose_file = None

    @action(Stage.UP)
    def break_gateway(self, deployment: ModelDeployment) -> None:
        """Let the gateway exit at each start, for a reason that a restart does not fix."""
        (deployment.folder / "config/standin-fault").write_text("crash:78")
        self.engine.restart(self._container(deployment), timeout=30)
        deployment.stage, deployment.is_broken = Stage.LOOPING, True
        eventually(lambda: (self._word(deployment) or {}).get("RestartCount"))

    @action(*LISTED, only_if=lambda deployment: deployment.is_broken)
    def mend_gateway(self, deployment: ModelDeployment) -> None:
        (deployment.folder / "config/standin-fault").unlink()
        deployment.is_broken = False

    @action(*LISTED)
    def lose_history(self, deployment: ModelDeployment) -> None:
        shutil.rmtree(deployment.folder / ".deploy-agent", ignore_errors=True)
        deployment.without, deployment.verified_run = "stopped", None

    # Stops and starts of the engine.

    @precondition(lambda self: self.own_engine and not self.away)
    @rule(harm=st.sampled_from(["stop", "kill", "freeze"]))
    def harm_engine(self, harm: str) -> None:
        with self.doing(f"{harm} the engine"):
            getattr(self.own_engine, harm)()
        self.away = harm

    @precondition(lambda self: self.away)
    @rule()
    def bring_engine_back(self) -> None:
        ended = self.away != "freeze"
        with self.doing("bring the engine back"):
            self._bring_back()
        for deployment in self.deployment if ended else ():
            if deployment.stage in WITH_CONTAINER:
                # The policy `always` restarts the container when the engine starts, even after a
                # manual stop.
                deployment.stage = Stage.LOOPING if deployment.is_broken else Stage.UP

    def _bring_back(self) -> None:
        if self.own_engine and self.away:
            self.own_engine.thaw()
            self.own_engine.start()
            self.away = ""

    # Comparison of shown and expected statuses.

    @invariant()
    def all_that_is_said_is_right(self) -> None:
        wrong: list[str] = []

        def is_right() -> bool:
            wrong[:] = self._wrong()
            return not wrong

        try:
            eventually(is_right, within=_AWAY if self.away else _SOON)
        except AssertionError:
            raise AssertionError("\n".join(wrong)) from None
        self.tally.seconds.append(time.monotonic() - self.done_at)

    def _wrong(self) -> list[str]:
        """Return wrong statuses with their readers. Inspect containers before and after reading."""
        before = self._words()
        said = self.readers.statuses(each.id for each in self.deployment)
        after = self._words()
        wrong = []
        for deployment in self.deployment:
            if not self.away and not deployment.fits(after[deployment.id]):
                wrong.append(f"{deployment}, and the engine says {after[deployment.id]}")
            right = self._right(deployment, before) | self._right(deployment, after)
            statuses = {voice: each.pop(deployment.id, "") for voice, each in said.items()}
            self.tally.seen.update(statuses.values())
            wrong += [
                f"{voice}: “{status}”, right is {right}: {deployment}"
                for voice, status in statuses.items()
                if status not in right
            ]
        return wrong + [f"the {voice} has {left}" for voice, left in said.items() if left]

    def _right(self, deployment: ModelDeployment, words: dict[str, Inspection | None]) -> set[str]:
        if deployment.stage is Stage.ARCHIVED:
            return {""}
        if self.away:
            return {"invalid" if deployment.is_invalid else "unknown"}
        return expected_statuses(deployment, words[deployment.id])

    def _words(self) -> dict[str, Inspection | None]:
        return {} if self.away else {each.id: self._word(each) for each in self.deployment}

    def _word(self, deployment: ModelDeployment) -> Inspection | None:
        return inspect_container_of(deployment, self.engine)

    def _container(self, deployment: ModelDeployment) -> str:
        inspection = self._word(deployment)
        assert inspection
        return str(inspection["Id"])


# All actions, in an order that needs few launches, each on the first suitable deployment.
ROW = (
    *("configure", "compose_up", "docker_rm", "launch", "configure", "docker_pause"),
    *("docker_unpause", "docker_kill", "docker_start", "docker_stop", "edit_env", "restart"),
    *("docker_restart", "lose_history", "remove_compose_file", "put_compose_file_back"),
    *("break_gateway", "mend_gateway", "garble_env", "stop", "mend_env", "take_port_away"),
    *("mend_env", "remove_env", "mend_env", "archive", "restore"),
)


def test_every_shown_status_is_right_after_each_action(
    server: Server, engine: docker.APIClient
) -> None:
    tally = Tally()

    _do(ROW, Actions(server.start(), engine, tally))

    assert set(tally.done) == ACTIONS


@pytest.mark.soak
def test_every_shown_status_is_right_after_actions_in_any_order(
    server: Server, engine: docker.APIClient
) -> None:
    tally = Tally()
    # First do all actions once: among random actions, a rare action may never become possible, such
    # as the launch of a broken gateway.
    actions = Actions(server.start(), engine, tally)
    _do((*ROW, "launch", "break_gateway", "launch"), actions)
    actions.teardown()

    _try(lambda: Actions(server, engine, tally), 40)

    assert set(tally.done) == ACTIONS
    assert set(tally.seen) == _SAID


@pytest.mark.soak
@pytest.mark.skipif(bool(why_no_engine()), reason=why_no_engine())
def test_every_shown_status_is_right_while_the_engine_comes_and_goes(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally = Tally()
    with running_engine() as own_engine:
        monkeypatch.setenv("DOCKER_HOST", own_engine.address)
        client = docker.APIClient(base_url=own_engine.address, version="auto", timeout=20)
        server.start()
        _try(lambda: Actions(server, client, tally, own_engine), 20)
        server.stop()
        client.close()

    assert "unknown" in tally.seen


# All lasting statuses. Archived deployments have the empty status.
_SAID = {
    *("", "configured", "failed", "invalid", "launching", "restarting", "running", "stopped"),
    "unhealthy",
}


def _do(names: Sequence[str], actions: Actions) -> None:
    """Do the actions in order, and check all statuses after each action."""
    for name in names:
        getattr(actions, name)(**({} if name == "configure" else {"which": 0}))
        actions.all_that_is_said_is_right()


def _try(actions: Callable[[], Actions], sequences: int) -> None:
    """Let Hypothesis choose actions. Don't shrink a failing sequence: each try takes seconds."""
    run_state_machine_as_test(
        actions,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=14,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
