"""While the engine does not answer, errors say so, and readers share one wait."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from flask import Flask, template_rendered
from jinja2 import Template
from werkzeug.test import TestResponse

from app import create_app
from app.config import Settings
from app.store.operation_log import read_log
from tests.support.api import API_KEY, BASE, Api
from tests.support.engine.gate import LEAVES_SOCKETS, EngineGate
from tests.support.waiting import eventually

pytestmark = LEAVES_SOCKETS


@pytest.fixture
def gated(settings: Settings, gate: EngineGate) -> Api:
    """The API on an engine behind the gate."""
    return Api(create_app(settings.model_copy(update={"engine_timeout": 1})))


def test_concurrent_callers_wait_for_a_silent_engine_once(
    gated: Api, gate: EngineGate, engine_calls: list[str]
) -> None:
    gated.configure()
    gated.get("list")
    gate.hold()
    before = len(engine_calls)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: Api(gated.app).get("list").json, range(50)))

    assert {row["status"] for rows in answers for row in rows} <= {"configured", "unknown"}
    assert len(engine_calls) - before <= 2


def test_concurrent_readers_of_a_page_share_its_rendering(gated: Api, gate: EngineGate) -> None:
    deployment_id = gated.configure()
    gate.hold()
    rendered: list[str] = []

    def note(_: Flask, template: Template, **__: object) -> None:
        rendered.append(str(template.name))

    def load(_: int) -> TestResponse:
        return Api(gated.app).page(f"/deployments/{deployment_id}")

    with template_rendered.connected_to(note), ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(load, range(12)))

    assert {answer.status_code for answer in answers} == {200}
    assert all("has not answered in time" in answer.text for answer in answers)
    # The layout is rendered for each reader, with the reader's name and CSRF token.
    shared = Counter(name for name in rendered if name != "layout.html")
    assert shared
    assert max(shared.values()) < 6, shared


def test_with_a_silent_engine_an_old_log_is_not_shown_for_a_running_gateway(
    gated: Api, gate: EngineGate
) -> None:
    deployment_id = gated.configure()
    gated.launch(deployment_id)
    gated.stop(deployment_id)
    gated.launch(deployment_id)
    gate.hold()
    eventually(lambda: gated.listed(deployment_id)["status"] == "unknown")

    answer = gated.get(f"logs/{deployment_id}")

    assert answer.status_code == 504
    assert answer.json["code"] == "engine_silent"


def test_a_form_that_cannot_launch_leads_to_the_new_deployment(
    gated: Api, gate: EngineGate
) -> None:
    gate.shut()

    answer = gated.client.post(
        "/deployments/new",
        data={"openrouter_api_key": API_KEY, "launch": "yes"},
        base_url=BASE,
        follow_redirects=True,
    )

    assert answer.status_code == 200
    assert "The deployment was configured, but not launched." in answer.text
    assert "Nothing answers" in answer.text
    assert len(gated.get("list").json) == 1


def test_a_deployment_can_be_configured_without_an_engine(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    alone = Api(create_app(settings))

    deployment_id = alone.configure()

    monkeypatch.undo()
    listed = alone.listed(deployment_id)
    assert listed["status"] == "unknown"
    assert listed["port"]


def test_a_briefly_slow_engine_fails_no_launch(
    gated: Api, gate: EngineGate, deployments_dir: Path
) -> None:
    deployment_id = gated.configure(image="deploy-agent-standin:slow-start")
    gated.launch(deployment_id, wait=False)
    folder = deployments_dir / deployment_id
    eventually(lambda: any("Waiting" in line for line in read_log(folder, 1)))

    gate.hold()
    eventually(lambda: any("has not answered" in line for line in read_log(folder, 1)))
    gate.open()

    eventually(lambda: gated.listed(deployment_id)["status"] == "running", within=30)


def test_a_container_that_cannot_be_inspected_hides_no_other(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = api.configure(), api.configure()
    api.launch(first)
    api.launch(second)
    broken = api.status(first)["containers"][0]["id"]
    send = requests.Session.send

    def refused(
        session: requests.Session, request: requests.PreparedRequest, **more: object
    ) -> requests.Response:
        if request.path_url.endswith(f"/containers/{broken}/json"):
            request.prepare_url("http+docker://localhost/v1.41/containers/nonsense/json?size=x", {})
            answer = send(session, request, **more)  # type: ignore[arg-type]
            answer.status_code = 500
            return answer
        return send(session, request, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(requests.Session, "send", refused)

    listed = eventually(lambda: [row["status"] for row in api.get("list").json])

    assert "unknown" not in listed
    assert "running" in listed
