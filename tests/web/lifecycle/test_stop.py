"""Stop: containers are removed and last words kept, even if `.env` is damaged."""

from pathlib import Path

import docker

from app.core.settings.env_file import parse_env
from tests.support.api import API_KEY, Api
from tests.support.engine.containers import containers_of
from tests.support.waiting import eventually


def test_a_stop_removes_container_and_network_and_can_be_repeated(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    api.launch(deployment_id)

    first, second = api.stop(deployment_id), api.stop(deployment_id)

    for answer in (first, second):
        assert answer.status_code == 200
        assert answer.json["status"] == "stopped"
    assert containers_of(engine, deployment_id) == []
    assert engine.networks(names=[f"{deployment_id}_default"]) == []
    assert (deployments_dir / deployment_id / "config/openclaw.json").exists()
    assert api.listed(deployment_id)["status"] == "stopped"
    assert api.launch(deployment_id).json["status"] == "running"


def test_a_gateway_that_ignores_sigterm_is_stopped(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure(image="deploy-agent-standin:ignore-sigterm")
    compose_file = deployments_dir / deployment_id / "docker-compose.yml"
    compose_file.write_text(compose_file.read_text().replace("period: 30s", "period: 1s"))
    api.launch(deployment_id)

    assert api.stop(deployment_id).json["status"] == "stopped"

    assert containers_of(engine, deployment_id) == []
    assert api.get(f"logs/{deployment_id}").json["last_words"]["exit_code"] == 137


def test_a_deployment_with_a_damaged_env_can_be_stopped_and_shows_no_value(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure(image="deploy-agent-standin:leak-token")
    api.launch(deployment_id)
    env = deployments_dir / deployment_id / ".env"
    token = parse_env(env.read_bytes())["OPENCLAW_GATEWAY_TOKEN"]
    env.write_text(env.read_text() + 'SLACK_BOT_TOKEN="canary-71d0 is not closed\n')

    listed = api.listed(deployment_id)
    launched = api.launch(deployment_id)
    page = api.page(f"/deployments/{deployment_id}")
    logs = api.get(f"logs/{deployment_id}")
    stopped = api.stop(deployment_id)

    assert listed["status"] == "invalid"
    assert "not closed" in listed["reason"]
    assert "can be stopped" in listed["reason"]
    assert launched.status_code == 409
    assert launched.json["code"] == "deployment_invalid"
    assert page.status_code == 200
    assert "listening" in logs.json["logs"]
    assert stopped.json["status"] == "stopped"
    assert containers_of(engine, deployment_id) == []
    assert "•" in logs.json["logs"], "the stand-in did print its secrets"
    everything = str([listed, launched.json, page.text, logs.json, stopped.json])
    assert "canary-71d0" not in everything
    assert API_KEY not in everything
    assert token not in everything
    last_words = (deployments_dir / deployment_id / ".deploy-agent/last-words").glob("*")
    assert API_KEY not in "".join(path.read_text() for path in last_words)


def test_a_log_driver_without_logs_delays_neither_page_nor_stop(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    compose_file = deployments_dir / deployment_id / "docker-compose.yml"
    text = compose_file.read_text()
    options = text[text.index("      driver: json-file") : text.index("    labels:")]
    compose_file.write_text(text.replace(options, "      driver: none\n"))
    api.launch(deployment_id)

    logs, page = api.get(f"logs/{deployment_id}"), api.page(f"/deployments/{deployment_id}")
    stopped = api.stop(deployment_id)

    assert logs.status_code == 502
    assert logs.json["code"] == "engine_refused"
    assert page.status_code == 200
    assert stopped.json["status"] == "stopped"
    assert containers_of(engine, deployment_id) == []


def test_a_replaced_secret_is_masked_while_the_gateway_still_has_it(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure(image="deploy-agent-standin:leak-token")
    api.launch(deployment_id)
    env = deployments_dir / deployment_id / ".env"
    env.write_text(env.read_text().replace(API_KEY, "sk-or-v1-another"))

    assert API_KEY not in api.get(f"logs/{deployment_id}").text


def test_a_symlinked_deployment_says_how_to_stop_it(
    api: Api, deployments_dir: Path, tmp_path: Path
) -> None:
    deployment_id = api.configure()
    (deployments_dir / deployment_id).rename(tmp_path / "moved")
    (deployments_dir / deployment_id).symlink_to(tmp_path / "moved")

    assert api.listed(deployment_id)["status"] == "invalid"
    stopped = api.stop(deployment_id)
    assert stopped.status_code == 409
    assert f"docker compose -p {deployment_id} down" in stopped.json["detail"]


def test_a_container_removed_by_hand_is_stopped_with_a_reason(
    api: Api, engine: docker.APIClient
) -> None:
    deployment_id = api.configure()
    api.launch(deployment_id)
    [container] = containers_of(engine, deployment_id)
    engine.remove_container(container["Id"], force=True)

    eventually(lambda: api.listed(deployment_id)["status"] == "stopped")
    assert "outside" in api.listed(deployment_id)["reason"]
