"""Metrics are in Prometheus's format, correct, and without deployment names."""

from collections.abc import Mapping

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as open_metrics,
)
from prometheus_client.parser import text_string_to_metric_families

from app.config import Settings
from app.usecases.people import people
from tests.support.api import Api

Samples = Mapping[str, float]


def samples(api: Api) -> Samples:
    """Return each sample's value by `name{label=value}`."""
    text = api.page("/metrics").text
    return {
        f"{each.name}{{{','.join(f'{name}={value}' for name, value in each.labels.items())}}}": (
            each.value
        )
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def test_metrics_have_no_deployment_ids(api: Api) -> None:
    before = samples(api)
    deployment_id = api.configure(name="Support bot")
    assert api.stop(deployment_id).status_code == 200
    samples(api)
    assert api.post("archive", {"deployment_id": deployment_id}).status_code == 200
    kept = api.configure(name="Other bot")
    assert api.page(f"/deployments/{kept}").status_code == 200
    assert api.page("/nowhere/0b7a3361be").status_code == 404

    after = samples(api)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert after["deploy_agent_deployments{status=configured}"] == 1
    assert after["deploy_agent_deployments{status=unknown}"] == 0
    assert after["deploy_agent_engine_up{}"] == 1
    assert after["deploy_agent_open_streams{}"] == 0
    assert grown("deploy_agent_operations_total{kind=stop,outcome=succeeded}") == 1
    assert grown("deploy_agent_operations_total{kind=archive,outcome=succeeded}") == 1
    assert grown("deploy_agent_operation_seconds_count{kind=stop}") == 1
    assert grown("deploy_agent_engine_seconds_count{}") > 0
    assert grown("deploy_agent_request_seconds_count{endpoint=pages.show}") == 1
    assert grown("deploy_agent_requests_total{endpoint=none,status=404}") == 1
    assert grown("deploy_agent_requests_total{endpoint=metrics.show,status=200}") == 2
    assert any(name.startswith("deploy_agent_build_info{") for name in after)
    text = api.page("/metrics").text
    for secret in (kept, deployment_id, "bot", "0b7a3361be"):
        assert secret not in text
    assert (
        samples(api)["deploy_agent_operations_total{kind=stop,outcome=succeeded}"]
        == (after["deploy_agent_operations_total{kind=stop,outcome=succeeded}"])
    )


def test_requests_are_counted_under_the_first_names_of_their_endpoints(api: Api) -> None:
    before = samples(api)
    deployment_id = api.configure()
    api.get("list")
    api.get(f"status/{deployment_id}")
    api.get("webhook")
    for call in ("launch", "restart", "stop", "reveal"):
        api.post(call, {})
    for form in ("launch", "restart", "stop", "reveal", "archive"):
        api.client.post(f"/deployments/0b7a3361be/{form}")

    after = samples(api)

    counted = {
        name.partition("endpoint=")[2].partition(",")[0]
        for name in after
        if name.startswith("deploy_agent_requests_total{") and after[name] > before.get(name, 0)
    }
    assert counted == {
        *("configure_api.configure", "api.list_all", "api.status", "webhook_api.describe"),
        *("api.launch", "api.restart", "api.stop", "api.reveal"),
        *("pages.launch", "confirm.restart", "pages.stop", "pages.reveal", "confirm.archive"),
        "metrics.show",
    }


def test_metrics_cost_one_snapshot(api: Api, engine_calls: list[str]) -> None:
    for _ in range(5):
        api.configure()
    api.page("/metrics")
    before = len(engine_calls)

    api.page("/metrics")

    assert len(engine_calls) - before <= 1


def test_a_restart_is_counted_when_the_exited_container_starts_again(
    api: Api, settings: Settings
) -> None:
    deployment_id = api.configure()
    events = api.app.config["CONTEXT"].events
    name = "deploy_agent_gateway_restarts_total{}"
    before = samples(api)[name]

    for action in ("start", "die", "start", "die", "destroy", "start"):
        events.publish(event(deployment_id, action))

    assert samples(api)[name] == before + 1


def event(deployment_id: str, action: str) -> dict[str, object]:
    labels = {"com.docker.compose.project": deployment_id}
    return {"Action": action, "Actor": {"ID": "c" * 64, "Attributes": labels}, "timeNano": 0}


def test_metrics_need_permission_and_use_the_requested_format(api: Api) -> None:
    context = api.app.config["CONTEXT"]
    people.add_user("ana", "operator", "a long password", by="test", context=context)
    token = people.make_token("prometheus", "viewer", "ana", context=context)
    accept = {"Accept": "application/openmetrics-text;version=1.0.0"}

    refused = api.page("/metrics")
    answer = api.page("/metrics", headers={**accept, "Authorization": f"Bearer {token}"})

    assert refused.status_code == 401
    assert answer.content_type.startswith("application/openmetrics-text")
    assert "deploy_agent_deployments" in {each.name for each in open_metrics(answer.text)}
