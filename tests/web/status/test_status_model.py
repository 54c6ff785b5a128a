"""Status is right: whatever is done, and by whom, all that says it agrees with the engine's word.

Deeds come in any order: ours by the API, Docker's by hand, edits of a folder's files. The
model (`tests/status_model.py`) knows what was done; after each deed the engine is asked past
everything of ours, and list, detail, pages and a fresh command line have to say what is right.
The suite has one row of deeds; with `--soak` Hypothesis chooses them, on an engine of the
test's own also with its end and its return.
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
    Known,
    Stage,
    Word,
    right_statuses,
    run_in,
    word_of,
)
from tests.support.status.status_readers import Voices
from tests.support.waiting import eventually

pytestmark = LEAVES_SOCKETS

# What is said may be a second old; the rest is for a machine that others use too.
_SOON = 10
# Whoever asks a silent engine waits for its limit, 1.5 s, and many ask.
_AWAY = 30
_DEPLOYMENTS = 2


@dataclass
class Tally:
    """What was done and compared in all sequences, and how long after a deed all was right."""

    done: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


# The names of all that can be done to a deployment.
DEEDS = {"configure"}


def deed(*stages: Stage, only_if: Callable[[Known], bool] = lambda known: True) -> Any:
    """Make a rule of what is done to one deployment that is in one of these stages."""

    def fits(known: Known) -> bool:
        return known.stage in stages and only_if(known)

    def decorate(do: Callable[["Deeds", Known], None]) -> Any:
        def on_one(self: "Deeds", which: int) -> None:
            known = next(filter(fits, (*self.known[which:], *self.known)))
            with self.doing(do.__name__):
                do(self, known)

        on_one.__name__ = do.__name__
        DEEDS.add(do.__name__)
        possible = precondition(lambda self: not self.away and any(map(fits, self.known)))
        return possible(rule(which=st.integers(0, _DEPLOYMENTS - 1))(on_one))

    return decorate


class Deeds(RuleBasedStateMachine):
    """Each rule is a deed. `own_engine` is one that may be harmed."""

    def __init__(
        self,
        server: Server,
        engine: docker.APIClient,
        tally: Tally,
        own_engine: OwnEngine | None = None,
    ) -> None:
        super().__init__()
        self.server, self.engine, self.own_engine = server, engine, own_engine
        self.voices = Voices(server)
        self.root = Path(str(server.settings["deployments_dir"]))
        self.known: list[Known] = []
        self.away = ""
        self.tally = tally
        self.done_at = time.monotonic()

    def teardown(self) -> None:
        self._bring_back()
        for known in self.known:
            remove_project(self.engine, known.id)
            shutil.rmtree(known.folder, ignore_errors=True)
        shutil.rmtree(self.root / ".archive", ignore_errors=True)

    @contextmanager
    def doing(self, name: str) -> Iterator[None]:
        self.tally.done[name] += 1
        yield
        self.done_at = time.monotonic()

    # Ours.

    @precondition(lambda self: not self.away and len(self.known) < _DEPLOYMENTS)
    @rule()
    def configure(self) -> None:
        with self.doing("configure"):
            status, answer = self.server.call("POST", "configure", {"openrouter_api_key": API_KEY})
        assert status == 200, answer
        deployment_id = str(answer["deployment_id"])
        self.known.append(Known(deployment_id, self.root / deployment_id))

    @deed(*LISTED)
    def launch(self, known: Known) -> None:
        self._bring_up("launch", known)

    @deed(*LISTED)
    def restart(self, known: Known) -> None:
        self._bring_up("restart", known)

    def _bring_up(self, verb: str, known: Known) -> None:
        if not known.can_come_up:
            assert self._call(verb, known)["code"] == "deployment_invalid"
        elif known.is_broken:
            assert self._call(verb, known)["code"] == "launch_failed"
            known.lost_container("failed")
        else:
            answer = self._call(verb, known)
            assert answer["status"] == "running", answer
            word = self._word(known)
            assert word
            known.stage, known.without, known.proven = Stage.UP, "stopped", run_in(word)

    @deed(*LISTED)
    def stop(self, known: Known) -> None:
        assert self._call("stop", known)["status"] == "stopped"
        known.lost_container("stopped")

    @deed(*LISTED)
    def archive(self, known: Known) -> None:
        assert self._call("archive", known)["status"] == "archived"
        known.lost_container("stopped")
        known.stage = Stage.ARCHIVED

    @deed(Stage.ARCHIVED)
    def restore(self, known: Known) -> None:
        assert self._call("restore", known)["status"] == "stopped"
        known.stage = Stage.NONE

    def _call(self, verb: str, known: Known) -> dict[str, Any]:
        return dict(self.server.call("POST", verb, {"deployment_id": known.id})[1])

    # Docker's, by hand.

    @deed(Stage.UP)
    def docker_kill(self, known: Known) -> None:
        self.engine.kill(self._container(known))
        known.stage = Stage.DOWN

    @deed(Stage.UP, Stage.LOOPING)
    def docker_stop(self, known: Known) -> None:
        self.engine.stop(self._container(known), timeout=30)
        known.stage = Stage.DOWN

    @deed(Stage.DOWN)
    def docker_start(self, known: Known) -> None:
        self.engine.start(self._container(known))
        known.stage = Stage.LOOPING if known.is_broken else Stage.UP

    @deed(Stage.UP)
    def docker_restart(self, known: Known) -> None:
        self.engine.restart(self._container(known), timeout=30)

    @deed(Stage.UP)
    def docker_pause(self, known: Known) -> None:
        eventually(lambda: self._paused(known))
        known.stage = Stage.PAUSED

    @deed(Stage.PAUSED)
    def docker_unpause(self, known: Known) -> None:
        self.engine.unpause(self._container(known))
        known.stage = Stage.UP

    @deed(*WITH_CONTAINER)
    def docker_rm(self, known: Known) -> None:
        self.engine.remove_container(self._container(known), force=True)
        known.lost_container(known.without)

    @deed(Stage.NONE, only_if=lambda known: known.can_come_up and not known.is_broken)
    def compose_up(self, known: Known) -> None:
        command = ["docker", "compose", "up", "--detach"]
        subprocess.run(command, cwd=known.folder, check=True, capture_output=True)
        known.stage = Stage.UP

    def _paused(self, known: Known) -> bool:
        """Say whether it could be: on a busy machine runc gives up freezing processes."""
        with suppress(docker.errors.APIError):
            self.engine.pause(self._container(known))
            return True
        return False

    # In the folder.

    @deed(*LISTED, only_if=lambda known: not known.is_invalid)
    def edit_env(self, known: Known) -> None:
        edit_env(known.folder, OPENCLAW_MODEL=f"openrouter/edit-{time.time_ns()}")

    @deed(*LISTED, only_if=lambda known: not known.is_invalid)
    def garble_env(self, known: Known) -> None:
        known.env = (known.folder / ".env").read_bytes()
        (known.folder / ".env").write_bytes(known.env + b'SLACK_BOT_TOKEN="not closed\n')

    @deed(*LISTED, only_if=lambda known: not known.is_invalid)
    def take_port_away(self, known: Known) -> None:
        known.env = (known.folder / ".env").read_bytes()
        (known.folder / ".env").write_bytes(known.env.replace(b"PORT=", b"# PORT=", 1))

    @deed(*LISTED, only_if=lambda known: not known.is_invalid)
    def remove_env(self, known: Known) -> None:
        known.env = (known.folder / ".env").read_bytes()
        (known.folder / ".env").unlink()

    @deed(*LISTED, only_if=lambda known: known.is_invalid)
    def mend_env(self, known: Known) -> None:
        (known.folder / ".env").write_bytes(known.env or b"")
        known.env = None

    @deed(*LISTED, only_if=lambda known: known.compose_file is None)
    def remove_compose_file(self, known: Known) -> None:
        known.compose_file = (known.folder / "docker-compose.yml").read_bytes()
        (known.folder / "docker-compose.yml").unlink()

    @deed(*LISTED, only_if=lambda known: known.compose_file is not None)
    def put_compose_file_back(self, known: Known) -> None:
        (known.folder / "docker-compose.yml").write_bytes(known.compose_file or b"")
        known.compose_file = None

    @deed(Stage.UP)
    def break_gateway(self, known: Known) -> None:
        """Let it end at each start by what another start does not mend."""
        (known.folder / "config/standin-fault").write_text("crash:78")
        self.engine.restart(self._container(known), timeout=30)
        known.stage, known.is_broken = Stage.LOOPING, True
        eventually(lambda: (self._word(known) or {}).get("RestartCount"))

    @deed(*LISTED, only_if=lambda known: known.is_broken)
    def mend_gateway(self, known: Known) -> None:
        (known.folder / "config/standin-fault").unlink()
        known.is_broken = False

    @deed(*LISTED)
    def lose_history(self, known: Known) -> None:
        shutil.rmtree(known.folder / ".deploy-agent", ignore_errors=True)
        known.without, known.proven = "stopped", None

    # The engine's.

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
        for known in self.known if ended else ():
            if known.stage in WITH_CONTAINER:
                # A policy that always restarts does so whoever stopped it.
                known.stage = Stage.LOOPING if known.is_broken else Stage.UP

    def _bring_back(self) -> None:
        if self.own_engine and self.away:
            self.own_engine.thaw()
            self.own_engine.start()
            self.away = ""

    # The comparison.

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
        """Return what is said wrongly, and by whom; the engine is asked before and after."""
        before = self._words()
        said = self.voices.said(each.id for each in self.known)
        after = self._words()
        wrong = []
        for known in self.known:
            if not self.away and not known.fits(after[known.id]):
                wrong.append(f"{known}, and the engine says {after[known.id]}")
            right = self._right(known, before) | self._right(known, after)
            statuses = {voice: each.pop(known.id, "") for voice, each in said.items()}
            self.tally.seen.update(statuses.values())
            wrong += [
                f"{voice}: “{status}”, right is {right}: {known}"
                for voice, status in statuses.items()
                if status not in right
            ]
        return wrong + [f"the {voice} has {left}" for voice, left in said.items() if left]

    def _right(self, known: Known, words: dict[str, Word | None]) -> set[str]:
        if known.stage is Stage.ARCHIVED:
            return {""}
        if self.away:
            return {"invalid" if known.is_invalid else "unknown"}
        return right_statuses(known, words[known.id])

    def _words(self) -> dict[str, Word | None]:
        return {} if self.away else {each.id: self._word(each) for each in self.known}

    def _word(self, known: Known) -> Word | None:
        return word_of(known, self.engine)

    def _container(self, known: Known) -> str:
        word = self._word(known)
        assert word
        return str(word["Id"])


# All deeds, in an order that needs few launches; each of the first of the two that it fits.
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

    _do(ROW, Deeds(server.start(), engine, tally))

    assert set(tally.done) == DEEDS


@pytest.mark.soak
def test_every_shown_status_is_right_after_actions_in_any_order(
    server: Server, engine: docker.APIClient
) -> None:
    tally = Tally()
    # Which deeds are possible is chance: what undoes a rare one, or a launch of what is broken,
    # may never be.
    deeds = Deeds(server.start(), engine, tally)
    _do((*ROW, "launch", "break_gateway", "launch"), deeds)
    deeds.teardown()

    _try(lambda: Deeds(server, engine, tally), 40)

    assert set(tally.done) == DEEDS
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
        _try(lambda: Deeds(server, client, tally, own_engine), 20)
        server.stop()
        client.close()

    assert "unknown" in tally.seen


# All that stays so until somebody does something, and nothing of what is archived.
_SAID = {
    *("", "configured", "failed", "invalid", "launching", "restarting", "running", "stopped"),
    "unhealthy",
}


def _do(names: Sequence[str], deeds: Deeds) -> None:
    """Do one after the other, and look after each deed."""
    for name in names:
        getattr(deeds, name)(**({} if name == "configure" else {"which": 0}))
        deeds.all_that_is_said_is_right()


def _try(deeds: Callable[[], Deeds], sequences: int) -> None:
    """Let Hypothesis choose; a sequence that fails is shown as it was, since each takes seconds."""
    run_state_machine_as_test(
        deeds,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=14,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
