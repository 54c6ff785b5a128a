"""Causes on page, API and command line, with a fix command that gets the gateway running."""

from pathlib import Path
from typing import Any

import docker

from app.config import Settings
from app.core.status.status import Status
from app.usecases.context import build_context
from app.usecases.status.diagnose import diagnose
from app.usecases.status.overview import show_deployment
from tests.support.api import Api
from tests.support.command_line import CommandLine
from tests.support.status.failure_scenario import run_as_printed
from tests.support.waiting import eventually


def test_a_failed_launch_shows_cause_and_fix_line_everywhere(
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


def test_a_crash_after_the_launch_has_a_cause_too(
    api: Api, cli: CommandLine, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    assert api.launch(deployment_id).status_code == 200
    (deployments_dir / deployment_id / "config" / "standin-fault").write_text("npm-missing")
    api.app.config["CONTEXT"].snapshots.outdate()
    engine.restart(f"{deployment_id}-openclaw-1", timeout=1)

    # Skip `engine_silent`: a busy engine may miss a request, which says nothing about the gateway.
    def cause() -> dict[str, Any] | None:
        shown = api.status(deployment_id)["cause"]
        return dict(shown) if shown and shown["code"] != "engine_silent" else None

    seen = eventually(cause)
    assert seen["code"] == "npm_missing", seen
    assert "openclaw" in seen["fix"]
    page = eventually(lambda: _page_with(api, deployment_id, "its image has no npm"))
    assert 'data-copy="#fix"' in page
    assert 'data-cause="npm_missing"' in page
    eventually(lambda: "npm_missing" in cli.done("show", deployment_id))


def _page_with(api: Api, deployment_id: str, words: str) -> str:
    page = api.page(f"/deployments/{deployment_id}").text
    return page if words in page else ""


def test_a_crash_loop_has_a_cause_even_between_exits(
    api: Api, engine: docker.APIClient, settings: Settings, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    assert api.launch(deployment_id).status_code == 200
    (deployments_dir / deployment_id / "config" / "standin-fault").write_text("crash-after:4:78")
    container = f"{deployment_id}-openclaw-1"
    engine.restart(container, timeout=1)
    eventually(lambda: _runs_again(engine.inspect_container(container)))

    context = build_context(settings)
    view = show_deployment(deployment_id, context=context)

    assert view.report.status is Status.RESTARTING
    cause = diagnose(view, [], context=context)
    assert cause and cause.code == "exited_78"


def _runs_again(inspected: dict[str, Any]) -> bool:
    return inspected["RestartCount"] > 0 and inspected["State"]["Status"] == "running"
