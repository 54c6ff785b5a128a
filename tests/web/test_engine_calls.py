"""What a page costs the engine: one call, however many deployments there are."""

import docker

from demo.cleaning import remove_project
from tests.api import Api
from tests.conftest import STANDIN
from tests.waiting import eventually


def run_container_of(engine: docker.APIClient, deployment_id: str) -> None:
    """Start a container as Compose labels it, without the seconds that Compose takes."""
    container = engine.create_container(
        STANDIN,
        labels={
            "com.docker.compose.project": deployment_id,
            "com.docker.compose.service": "openclaw",
        },
        environment={"OPENCLAW_GATEWAY_TOKEN": "a"},
        healthcheck={"test": ["NONE"]},
        host_config=engine.create_host_config(network_mode="none"),
    )
    engine.start(container)


def test_a_list_is_one_engine_call_however_many_deployments_run(
    api: Api, engine: docker.APIClient, engine_calls: list[str]
) -> None:
    ids = [api.configure() for _ in range(30)]
    for deployment_id in ids:
        run_container_of(engine, deployment_id)

    # In its first minute a container is inspected, since it may be in a crash loop.
    # Each look comes when the last snapshot is too old to be used again.
    eventually(lambda: _calls_of_a_list(api, engine_calls) == 1, within=90, every=2)
    assert [row["status"] for row in api.get("list").json] == ["running"] * 30

    for deployment_id in ids[1:]:
        remove_project(engine, deployment_id)
    eventually(lambda: _calls_of_a_list(api, engine_calls) == 1, every=2)
    assert [row["status"] for row in api.get("list").json].count("running") == 1


def _calls_of_a_list(api: Api, calls: list[str]) -> int:
    before = len(calls)
    api.get("list")
    return len(calls) - before


def test_a_second_look_within_a_second_costs_nothing(api: Api, engine_calls: list[str]) -> None:
    api.configure()
    api.get("list")
    before = len(engine_calls)

    for _ in range(3):
        api.get("list")
        api.page("/")

    assert len(engine_calls) - before <= 1
