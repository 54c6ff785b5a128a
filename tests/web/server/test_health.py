"""Health checks for monitoring: `live` and `ready`, without a log-in and without secrets."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import create_app
from app.config import Settings
from app.usecases.people import people
from app.version import VERSION
from tests.support.api import BASE, Api
from tests.support.engine.gate import LEAVES_SOCKETS, EngineGate
from tests.support.waiting import eventually

pytestmark = LEAVES_SOCKETS


@pytest.fixture
def gated(settings: Settings, gate: EngineGate) -> Iterator[Api]:
    """The API behind the gate. Everybody must log in, and nobody can: the user file is damaged."""
    api = Api(create_app(settings.model_copy(update={"engine_timeout": 1})))
    people.add_user(
        "ana", "operator", "long password", by="test", context=api.app.config["CONTEXT"]
    )
    (settings.deployments_dir / ".deploy-agent/people.json").write_text("damaged")
    yield api


def test_the_server_is_live_whatever_fails_and_ready_only_with_an_engine(
    gated: Api, gate: EngineGate
) -> None:
    assert gated.page("/readyz").json == {
        "ok": True,
        "parts": {"deployments_folder": "ok", "engine": "ok"},
    }

    gate.shut()

    refused = eventually(lambda: (got := gated.page("/readyz")).status_code == 503 and got)
    assert refused.content_type == "application/problem+json"
    assert refused.json["code"] == "not_ready"
    assert refused.json["parts"]["deployments_folder"] == "ok"
    assert "Start Docker Engine" in refused.json["parts"]["engine"]
    assert str(gate.path) not in refused.text
    assert gated.page("/healthz").json == {"ok": True, "version": VERSION}


def test_a_server_that_cannot_write_its_folder_is_not_ready(
    api: Api, deployments_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "statvfs", gone)

    answer = api.page("/readyz")

    assert answer.status_code == 503
    assert "Input/output error" in answer.json["parts"]["deployments_folder"]
    assert str(deployments_dir) not in answer.text


def test_health_checks_answer_under_any_host_name(api: Api) -> None:
    for path in ("/healthz", "/readyz"):
        answer = api.client.get(path, headers={"Host": "10.0.0.7:8000"}, base_url="http://x")
        assert answer.status_code == 200, path


def test_a_request_id_counts_only_from_the_trusted_proxy(settings: Settings) -> None:
    behind = Api(create_app(settings.model_copy(update={"trusted_proxy": "127.0.0.9"})))

    def answered(address: str, given: str) -> str:
        answer = behind.client.get(
            "/api/deploy/list",
            base_url=BASE,
            headers={"X-Request-Id": given},
            environ_base={"REMOTE_ADDR": address},
        )
        assert answer.json["request_id"] == answer.headers["X-Request-Id"]
        return str(answer.headers["X-Request-Id"])

    assert answered("127.0.0.9", "from-the-proxy-1") == "from-the-proxy-1"
    assert answered("127.0.0.1", "from-a-stranger-1") != "from-a-stranger-1"
    assert answered("127.0.0.9", "line\tbreak") != "line\tbreak"
