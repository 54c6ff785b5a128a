"""Any engine answer about containers, networks, images or events is parsed without an error.

Other engine versions leave keys out, and compatible engines send null in place of a list.
Unparsable data about one container hides no other container.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.deployment import Deployment
from app.core.snapshot import Snapshot
from app.core.status.rules import status_of
from app.core.status.status import StatusReport
from app.core.status.usage import memory_in, usage_between
from app.engine import container_answers, events, images, networks
from app.engine.answers import inside, lines_of
from app.usecases.context import AppContext
from tests.support.api import Api
from tests.support.json_values import json_values, paths_in, put_in
from tests.support.soak import rounds

ID = "0b7a3361be"
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
LISTED = {
    "Id": "f" * 64,
    "Names": [f"/{ID}-openclaw-1"],
    "Image": "a:1",
    "ImageID": "sha256:1",
    "Created": 1795514400,
    "Ports": [{"IP": "0.0.0.0", "PrivatePort": 1, "PublicPort": 20000, "Type": "tcp"}],
    "Labels": {
        container_answers.PROJECT: ID,
        "com.docker.compose.service": "openclaw",
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.project.working_dir": "/srv",
    },
    "State": "running",
    "Status": "Up 3 seconds (health: starting)",
}
INSPECTED = {
    "Id": "f" * 64,
    "RestartCount": 2,
    "State": {
        "StartedAt": "2026-11-24T09:00:00.123456789Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
        "ExitCode": 78,
        "OOMKilled": False,
        "Error": "",
        "Health": {"Status": "starting", "Log": [{"ExitCode": 1, "Output": "no"}]},
    },
    "Config": {"Env": ["A_TOKEN=secret", "PATH"], "Image": "a:1", "Labels": {}},
    "HostConfig": {"RestartPolicy": {"Name": "always"}, "Memory": 1},
    "Mounts": [{"Type": "bind", "Source": "/a", "Destination": "/b", "RW": True}],
}
NETWORK = {
    "Id": "1",
    "Name": f"{ID}_default",
    "Labels": {container_answers.PROJECT: ID},
    "Created": "2026-11-24T09:00:00Z",
    "IPAM": {"Config": [{"Subnet": "10.192.0.0/28"}]},
}
IMAGE = {"Id": "sha256:1", "RepoTags": ["a:1"], "RepoDigests": None, "Labels": None}
EVENT = {
    "Action": "die",
    "timeNano": 1795514400000000000,
    "Actor": {"ID": "f" * 64, "Attributes": {container_answers.PROJECT: ID, "exitCode": "137"}},
}
SAMPLE = {
    "cpu_stats": {"cpu_usage": {"total_usage": 5}, "system_cpu_usage": 9, "online_cpus": 2},
    "memory_stats": {"usage": 5, "limit": 9, "stats": {"inactive_file": 1}},
}
BEFORE = {**SAMPLE, "cpu_stats": {"cpu_usage": {"total_usage": 1}, "system_cpu_usage": 1}}
READERS: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any]], object]]] = {
    "a container that is listed": (LISTED, container_answers.container_in),
    "one that is inspected": (INSPECTED, container_answers.details_in),
    "one that has ended": (INSPECTED, container_answers.description_in),
    "a network": (NETWORK, networks._network),
    "an image": (IMAGE, lambda row: images._image(row, inside(row, "Labels"))),
    "an event": (EVENT, events._event_of),
    "events of an end": (EVENT, lambda row: container_answers.last_exit_in([row, row])),
    "memory": (SAMPLE, memory_in),
    "usage": (SAMPLE, lambda row: usage_between(BEFORE, row)),
    "usage before": (BEFORE, lambda row: usage_between(row, SAMPLE)),
}


@st.composite
def odd(draw: st.DrawFn, answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with up to three values replaced: by null, empty or other values."""
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths_in(answer)[1:] or [()]))
        if path:
            other = draw(st.one_of(st.sampled_from([None, [], {}, "", 0, [None]]), json_values))
            answer = put_in(answer, path, other)
    return answer


@pytest.fixture
def tries(request: pytest.FixtureRequest) -> int:
    return rounds(request.config, 60, 5000)


@pytest.mark.parametrize("name", READERS)
def test_an_unusual_answer_is_parsed(name: str, tries: int) -> None:
    usual, read = READERS[name]

    @settings(max_examples=tries, deadline=None, suppress_health_check=list(HealthCheck))
    @given(odd(usual))
    def check(answer: dict[str, Any]) -> None:
        read(answer)

    assert read(usual)
    check()


def test_any_engine_answer_gives_a_status(tries: int) -> None:
    deployment = Deployment(ID, "/srv", {"PORT": "20000"}, 20000)

    @settings(max_examples=tries, deadline=None, suppress_health_check=list(HealthCheck))
    @given(odd(LISTED), odd(INSPECTED))
    def check(listed: dict[str, Any], inspected: dict[str, Any]) -> None:
        details = container_answers.details_in(inspected)
        container = replace(container_answers.container_in(listed), details=details)
        report = status_of(deployment, Snapshot(NOW, {ID: (container,)}), NOW)
        assert isinstance(report, StatusReport)
        assert report.status

    check()


def test_lines_that_are_no_events_are_skipped() -> None:
    assert lines_of('{"a": 1}\n\nnull\n{"b"\n[1]\n{"c": 2}\n') == [{"a": 1}, {"c": 2}]


@pytest.mark.parametrize("left_out", ["Names", "Labels", "Ports", "State", "Status", "Created"])
def test_odd_data_about_one_container_hides_no_other(
    api: Api, context: AppContext, monkeypatch: pytest.MonkeyPatch, left_out: str
) -> None:
    """This tests the whole way from the engine's client to the list."""
    deployment_id = api.configure(name="Support bot")
    labels = {**LISTED["Labels"], container_answers.PROJECT: deployment_id}
    usual = {**LISTED, "Labels": labels, "Status": "Up 2 hours (healthy)"}
    rows = [{**LISTED, left_out: None, "Id": "1"}, {"Id": None}, {}, "no container", None, usual]
    monkeypatch.setattr("docker.APIClient.containers", lambda *_, **__: rows)
    monkeypatch.setattr("docker.APIClient.inspect_container", lambda *_: {**INSPECTED})

    assert api.listed(deployment_id)["status"] == "running"
    assert json.loads(api.page("/api/deploy/doctor").text)
    assert Path(api.status(deployment_id)["deploy_dir"]).is_dir()
