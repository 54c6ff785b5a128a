"""An engine that doesn't answer: `unknown` with the last known status, and problems in words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import create_app
from app.config import Settings
from tests.api import Api
from tests.engine_gate import EngineGate
from tests.waiting import eventually

# Docker's client leaves a socket whose connect failed to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineGate]:
    gate = EngineGate(tmp_path / "engine.sock")
    monkeypatch.setenv("DOCKER_HOST", gate.address)
    yield gate
    gate.shut()
    monkeypatch.undo()


@pytest.fixture
def gated(settings: Settings, gate: EngineGate) -> Api:
    """The API on an engine behind the gate."""
    return Api(create_app(settings.model_copy(update={"engine_timeout": 1})))


def test_an_engine_that_went_away_is_unknown_with_the_last_known_status(
    gated: Api, gate: EngineGate
) -> None:
    deployment_id = gated.configure()
    gated.launch(deployment_id)
    assert gated.listed(deployment_id)["status"] == "running"

    gate.shut()

    eventually(lambda: gated.listed(deployment_id)["status"] == "unknown", within=3)
    reason = gated.listed(deployment_id)["reason"]
    assert "last seen running at" in reason
    assert "Nothing answers" in reason

    gate.open()

    eventually(lambda: gated.listed(deployment_id)["status"] == "running", within=5)


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [("shut", 503, "engine_unreachable"), ("hold", 504, "engine_silent")],
)
def test_each_trouble_has_its_own_answer(
    gated: Api, gate: EngineGate, trouble: str, status: int, code: str
) -> None:
    deployment_id = gated.configure()
    gated.listed(deployment_id)
    getattr(gate, trouble)()

    for answer in (gated.launch(deployment_id), gated.stop(deployment_id)):
        assert answer.status_code == status
        assert answer.json["code"] == code
        assert answer.json["detail"].endswith(".")
    eventually(lambda: gated.status(deployment_id)["status"] == "unknown", within=10)
    assert gated.status(deployment_id)["operation"] is None
    page = gated.page(f"/deployments/{deployment_id}")
    assert page.status_code == 200
    assert gated.page("/").status_code == 200


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
