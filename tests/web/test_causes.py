"""Causes: named on page, API and command line, with a line that ends with a gateway that runs."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest

from app.config import Settings
from app.core.status import Status
from app.usecases.overview import show_deployment
from app.usecases.standing import standing_cause
from app.usecases.world import build_world
from tests.api import Api
from tests.command_line import CommandLine
from tests.waiting import eventually
from tests.web.test_launch import edit_env

OF_A_LINE = 120


def run_as_printed(line: str) -> None:
    """Paste a line into a shell, from another folder."""
    done = subprocess.run(
        line,
        shell=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=OF_A_LINE,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout!r}\n{done.stderr!r}"


def spoil(folder: Path, before: str, after: str) -> None:
    compose_file = folder / "docker-compose.yml"
    assert before in compose_file.read_text()
    compose_file.write_text(compose_file.read_text().replace(before, after, 1))


def remove_token(folder: Path) -> None:
    env = folder / ".env"
    env.write_text(re.sub(r"(?m)^OPENCLAW_GATEWAY_TOKEN=.*\n", "", env.read_text()))


STAGED: dict[str, Callable[[Path], object]] = {
    "memory_limit_too_small": lambda folder: edit_env(folder, MEMORY_LIMIT="1m"),
    "image_name_invalid": lambda folder: edit_env(folder, OPENCLAW_IMAGE="Not:An:Image"),
    "registry_unreachable": lambda folder: edit_env(folder, OPENCLAW_IMAGE="localhost:1/no:1"),
    "bind_address_unknown": lambda folder: edit_env(folder, BIND_ADDRESS="203.0.113.9"),
    "variable_missing": remove_token,
}


@pytest.mark.soak
@pytest.mark.parametrize("code", STAGED)
def test_the_line_of_a_failed_launch_ends_with_a_gateway_that_runs(
    api: Api, deployments_dir: Path, code: str
) -> None:
    deployment_id = api.configure()
    STAGED[code](deployments_dir / deployment_id)

    problem = api.launch(deployment_id).json

    assert problem["cause"] == code, problem
    run_as_printed(problem["fix"])
    assert api.listed(deployment_id)["status"] == "running"


def test_a_failed_launch_is_named_everywhere_with_the_line_that_mends_it(
    api: Api, cli: CommandLine, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    (deployments_dir / deployment_id / "config" / "openclaw.json").write_text('{ "gateway": {')

    problem = api.launch(deployment_id).json

    line = problem["fix"]
    assert problem["cause"] == "config_bad_json"
    assert problem["operation"]["fix"] == line
    cause = api.status(deployment_id)["cause"]
    assert (cause["code"], cause["fix"]) == ("config_bad_json", line)
    page = api.page(f"/deployments/{deployment_id}").text
    assert "is not valid JSON" in page
    assert 'data-copy="#fix"' in page
    assert "openclaw.json.aside &amp;&amp;" in page
    shown = cli.json("show", deployment_id)
    assert shown["cause"]["fix"] == line

    run_as_printed(line)

    assert api.listed(deployment_id)["status"] == "running"
    assert api.status(deployment_id)["cause"] is None
    assert (deployments_dir / deployment_id / "config" / "openclaw.json.aside").exists()


def test_a_gateway_that_crashes_after_its_launch_is_named_too(
    api: Api, cli: CommandLine, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    assert api.launch(deployment_id).status_code == 200
    (deployments_dir / deployment_id / "config" / "standin-fault").write_text("npm-missing")
    api.app.config["WORLD"].containers.changed()
    engine.restart(f"{deployment_id}-openclaw-1", timeout=1)

    cause = eventually(lambda: api.status(deployment_id)["cause"])

    assert cause["code"] == "npm_missing"
    assert "openclaw" in cause["fix"]
    page = api.page(f"/deployments/{deployment_id}").text
    assert "its image has no npm" in page
    assert 'data-copy="#fix"' in page
    assert "npm_missing" in cli.done("show", deployment_id)


def test_a_crash_loop_is_named_to_who_has_not_seen_it_end(
    api: Api, engine: docker.APIClient, settings: Settings, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    assert api.launch(deployment_id).status_code == 200
    (deployments_dir / deployment_id / "config" / "standin-fault").write_text("crash-after:4:78")
    container = f"{deployment_id}-openclaw-1"
    engine.restart(container, timeout=1)
    eventually(lambda: _runs_again(engine.inspect_container(container)))

    world = build_world(settings)
    card = show_deployment(deployment_id, world=world)

    assert card.verdict.status is Status.RESTARTING
    cause = standing_cause(card, [], world=world)
    assert cause and cause.code == "exited_78"


def _runs_again(inspected: dict[str, Any]) -> bool:
    return inspected["RestartCount"] > 0 and inspected["State"]["Status"] == "running"
