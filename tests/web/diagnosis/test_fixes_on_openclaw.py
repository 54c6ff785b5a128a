"""Fixes on the real OpenClaw gateway: each failure has a cause and a working fix command.

Each test starts the gateway once or twice, which takes minutes on a busy machine.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from app import create_app
from app.config import Settings
from app.engine.client import engine_address
from app.usecases.context import build_context
from demo.provider import Provider
from tests.support.api import API_KEY, Api
from tests.support.command_line import CommandLine
from tests.support.status.failure_scenario import FailureScenario
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders to others"),
]

OF_A_START = 420.0
COMMAND = "node openclaw.mjs gateway --allow-unconfigured"


@pytest.fixture
def settings(deployments_dir: Path) -> Settings:
    return Settings(deployments_dir=deployments_dir, launch_timeout=OF_A_START)


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.APIClient]:
    """The usual engine client, with enough time to remove OpenClaw's large container."""
    client = docker.APIClient(base_url=engine_address(), version="auto", timeout=240)
    yield client
    client.close()


@pytest.fixture
def make_scenario(
    settings: Settings, engine: docker.APIClient
) -> Iterator[Callable[..., FailureScenario]]:
    api = Api(create_app(settings))
    cli = CommandLine(build_context(settings), {})
    with ExitStack() as borrowed:
        yield lambda **fields: FailureScenario(
            api, cli, engine, borrowed, OF_A_START + 60, **fields
        )


@pytest.fixture(scope="module")
def image_without_npm(engine: docker.APIClient) -> Iterator[str]:
    image = Settings().image
    removed = engine.create_container(
        image, ["-rf", "/usr/local/bin/npm"], entrypoint="rm", user="0"
    )
    engine.start(removed)
    engine.wait(removed)
    config = engine.inspect_image(image)["Config"]
    changes = [f"{each.upper()} {json.dumps(config[each])}" for each in ("Entrypoint", "Cmd")]
    engine.commit(removed, "deploy-agent-no-npm", "1", changes=[*changes, f"USER {config['User']}"])
    engine.remove_container(removed)
    yield "deploy-agent-no-npm:1"
    engine.remove_image("deploy-agent-no-npm:1", force=True)


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[FailureScenario], None]:
    """Return a function that edits openclaw.json by hand."""

    def edit(scenario: FailureScenario) -> None:
        path = scenario.folder / "config" / "openclaw.json"
        config = json.loads(path.read_text())
        change(config)
        path.write_text(json.dumps(config))

    return edit


def written(text: str) -> Callable[[FailureScenario], None]:
    return lambda scenario: (scenario.folder / "config/openclaw.json").write_text(text)  # type: ignore[return-value]


def compose_edit(before: str, after: str) -> Callable[[FailureScenario], None]:
    return lambda scenario: scenario.edit_compose_file(before, after)


def with_line(line: str) -> Callable[[FailureScenario], None]:
    return compose_edit("    init: true", f"    init: true\n    {line}")


def no_token_anywhere(scenario: FailureScenario) -> None:
    scenario.remove_token()
    edited(lambda config: config["gateway"].pop("auth"))(scenario)
    scenario.edit_compose_file("OPENCLAW_GATEWAY_TOKEN:?set it in .env", "OPENCLAW_GATEWAY_TOKEN:-")


def no_mode(scenario: FailureScenario) -> None:
    with_line(f"command: {COMMAND.rpartition(' ')[0]}")(scenario)
    edited(lambda config: config["gateway"].pop("mode"))(scenario)


def port_in_use(scenario: FailureScenario) -> None:
    squatter = f"require('net').createServer().listen({scenario.port})"
    shell = ["tini", "-s", "--", "sh", "-c", f'node -e "{squatter}" & exec {COMMAND}']
    with_line(f"entrypoint: {json.dumps(shell)}")(scenario)


def used_by_another(scenario: FailureScenario) -> None:
    """By hand, start another gateway that uses the same folders."""
    for name in ("config", "workspace"):
        shutil.chown(scenario.folder / name, 1000, 1000)
    config = scenario.folder / "config"
    config.joinpath("openclaw.json").unlink()
    other = scenario.engine.create_container(
        Settings().image,
        environment={"OPENCLAW_GATEWAY_TOKEN": "foreign_container"},
        volumes=["/home/node/.openclaw"],
        host_config=scenario.engine.create_host_config(binds=[f"{config}:/home/node/.openclaw"]),
    )
    scenario.borrowed.callback(scenario.engine.remove_container, other["Id"], force=True)
    scenario.engine.start(other)
    eventually(lambda: b"http server listening" in scenario.engine.logs(other), within=OF_A_START)


@dataclass(frozen=True)
class Dies:
    """A failure: some damage, after which the gateway exits, and the expected code."""

    code: str
    damage: Callable[[FailureScenario], None]


LAUNCHED = {
    "bad JSON": Dies("config_bad_json", written('{ "gateway": {')),
    "unknown key": Dies("config_unknown_key", edited(lambda config: config.update(bogusKey=1))),
    "bad value": Dies(
        "config_invalid", edited(lambda config: config["gateway"].update(port="abc"))
    ),
    "no mode": Dies("config_missing", no_mode),
    "bad bind": Dies("config_bad_bind", edited(lambda it: it["gateway"].update(bind="nonsense"))),
    "bad option": Dies("config_bad_bind", with_line(f"command: {COMMAND} --bind nonsense")),
    "no token": Dies("token_missing", no_token_anywhere),
    "read-only mount": Dies(
        "config_read_only",
        compose_edit(
            "target: /home/node/.openclaw\n",
            "target: /home/node/.openclaw\n        read_only: true\n",
        ),
    ),
    "read-only container": Dies("root_read_only", with_line("read_only: true")),
    "little heap": Dies(
        "heap_full",
        compose_edit('BONJOUR: "1"', 'BONJOUR: "1"\n      NODE_OPTIONS: --max-old-space-size=96'),
    ),
    "another user": Dies("config_not_writable", with_line('user: "1001"')),
    "port in use inside": Dies("port_in_use_inside", port_in_use),
    "folder in use": Dies("state_in_use", used_by_another),
}


@pytest.mark.parametrize("failure", LAUNCHED.values(), ids=LAUNCHED.keys())
def test_a_launch_that_openclaw_fails_has_a_cause_and_a_working_fix_line(
    make_scenario: Callable[..., FailureScenario], failure: Dies
) -> None:
    scenario = make_scenario()
    failure.damage(scenario)

    scenario.launch_fails(failure.code)

    scenario.is_fixed_by(scenario.shows_cause(failure.code)["fix"])


def owned_by_root(scenario: FailureScenario) -> None:
    config = scenario.folder / "config"
    config.joinpath("openclaw.json").unlink()
    for folder in (config, scenario.folder / "workspace"):
        shutil.chown(folder, 0, 0)
        folder.chmod(0o755)


def file_of_root(scenario: FailureScenario) -> None:
    config = scenario.folder / "config"
    shutil.chown(config, 1000, 1000)
    shutil.chown(config / "openclaw.json", 0, 0)
    config.joinpath("openclaw.json").chmod(0o600)


BY_HAND = {
    "folders of root": Dies("config_not_writable", owned_by_root),
    "file of root": Dies("config_unreadable", file_of_root),
}


@pytest.mark.parametrize("failure", BY_HAND.values(), ids=BY_HAND.keys())
def test_a_manual_start_that_openclaw_fails_has_a_cause_and_a_working_fix_line(
    make_scenario: Callable[..., FailureScenario], failure: Dies
) -> None:
    """Start by hand, because a launch would make the gateway's user the owner of the folders."""
    scenario = make_scenario()
    failure.damage(scenario)

    scenario.compose_up()

    scenario.is_fixed_by(scenario.shows_cause(failure.code)["fix"])


def test_an_image_without_npm_has_a_cause_and_a_workaround(
    make_scenario: Callable[..., FailureScenario], image_without_npm: str
) -> None:
    scenario = make_scenario(image=image_without_npm)
    edited(lambda config: config.pop("plugins"))(scenario)

    scenario.launch_fails("npm_missing")

    scenario.is_fixed_by(scenario.shows_cause("npm_missing")["fix"])


def test_too_little_memory_has_a_cause_and_is_raised(
    make_scenario: Callable[..., FailureScenario],
) -> None:
    scenario = make_scenario(memory_limit="512m")

    scenario.launch_fails("out_of_memory")

    scenario.is_fixed_by(scenario.shows_cause("out_of_memory")["fix"])


def test_a_busy_host_has_a_cause_and_the_fix_line_works_later(
    make_scenario: Callable[..., FailureScenario],
) -> None:
    scenario = make_scenario()
    with_line("cpus: 0.05")(scenario)

    scenario.launch_fails("host_too_busy")

    cause = scenario.shows_cause("host_too_busy")
    scenario.edit_compose_file("\n    cpus: 0.05", "")
    scenario.is_fixed_by(cause["fix"])


def test_a_different_token_has_a_cause_and_is_equalized(
    make_scenario: Callable[..., FailureScenario],
) -> None:
    scenario = make_scenario()
    edited(lambda config: config["gateway"]["auth"].update(token="another" * 5))(scenario)
    for name in ("config", "workspace"):
        shutil.chown(scenario.folder / name, 1000, 1000)
    shutil.chown(scenario.folder / "config" / "openclaw.json", 1000, 1000)

    scenario.compose_up()

    scenario.is_fixed_by(scenario.shows_cause("token_refused")["fix"])


def test_a_wrong_key_is_reported_and_blocks_nothing(
    make_scenario: Callable[..., FailureScenario],
) -> None:
    with Provider(key="sk-or-v1-another") as provider:
        scenario = make_scenario(openrouter_base_url=provider.base_url)
        scenario.launched()

        scenario.api.post("answer", {"deployment_id": scenario.id})

        answer = eventually(lambda: scenario.api.get(f"answer/{scenario.id}").json["answer"])
        assert (answer["code"], answer["accepted"], answer["status"]) == ("key_refused", False, 401)
        assert "does not accept the key (401)" in answer["words"]
        assert "set OPENROUTER_API_KEY in .env, then launch again." in answer["next_step"]
        page = scenario.api.page(f"/deployments/{scenario.id}").text
        assert 'data-answer="key_refused"' in page
        assert answer["words"] in page
        scenario.is_running()

        provider.key = API_KEY
        scenario.api.post("answer", {"deployment_id": scenario.id})
        eventually(lambda: scenario.api.get(f"answer/{scenario.id}").json["answer"]["accepted"])
