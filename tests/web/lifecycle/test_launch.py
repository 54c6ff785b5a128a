"""A launch succeeds only once verified, fails with a cause, and never hangs."""

import os
import re
import subprocess
from dataclasses import replace
from itertools import count
from pathlib import Path

import docker
import pytest

from app.core.deployment import Deployment
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import OperationState
from app.core.settings.env_file import format_env, parse_env
from app.store import operations
from app.store.deployments import DeploymentStore
from app.store.last_words import list_last_words
from app.store.locks import lock_folder
from tests.support.api import Api
from tests.support.engine.containers import containers_of
from tests.support.engine.images import STANDIN
from tests.support.files.env_edits import edit_env
from tests.support.server import free_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("preloaded_operations")


@pytest.mark.parametrize(
    ("fault", "cause", "words"),
    [
        ("crash-78", "exited_78", "exited with code 78"),
        ("crash", "exited_1", "exited with code 1"),
        ("npm-missing", "npm_missing", "no npm"),
        ("refuse-token", "token_refused", "AUTH_TOKEN_MISMATCH"),
    ],
)
def test_a_failing_gateway_is_removed_and_its_cause_shown(
    api: Api, engine: docker.APIClient, fault: str, cause: str, words: str
) -> None:
    deployment_id = api.configure(image=f"deploy-agent-standin:{fault}")

    answer = api.launch(deployment_id)

    assert answer.status_code == 502, answer.text
    assert answer.json["code"] == "launch_failed"
    assert answer.json["cause"] == cause
    assert words in answer.json["detail"]
    assert containers_of(engine, deployment_id) == [], "Docker would revive it for ever"
    listed = api.listed(deployment_id)
    assert listed["status"] == "failed"
    assert words in listed["reason"]
    assert api.get(f"logs/{deployment_id}").json["last_words"], "what it said must be kept"


def test_a_launch_ends_a_crash_loop_once_its_cause_is_fixed(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    folder = deployments_dir / deployment_id
    fault = folder / "config" / "standin-fault"
    fault.write_text("crash-78")
    subprocess.run(["docker", "compose", "up", "-d"], cwd=folder, check=True, capture_output=True)
    # After six restarts, Docker waits over six seconds before the next start.
    eventually(lambda: restarts_of(engine, deployment_id) >= 6)
    eventually(lambda: containers_of(engine, deployment_id)[0]["State"] == "restarting")
    fault.unlink()

    answer = api.launch(deployment_id)

    assert answer.status_code == 200, answer.text
    assert api.listed(deployment_id)["status"] == "running"


def restarts_of(engine: docker.APIClient, deployment_id: str) -> int:
    return int(engine.inspect_container(f"{deployment_id}-openclaw-1")["RestartCount"])


@pytest.mark.parametrize(
    ("fault", "words"),
    [("never-healthy", "/healthz answered 503"), ("silent", "/healthz gave no answer")],
)
def test_a_gateway_that_is_not_ready_in_time_fails_with_a_timeout(
    api: Api, engine: docker.APIClient, deployments_dir: Path, fault: str, words: str
) -> None:
    short = api.app.config["CONTEXT"].settings.model_copy(update={"launch_timeout": 2.0})
    object.__setattr__(api.app.config["CONTEXT"], "settings", short)
    deployment_id = api.configure(image=f"deploy-agent-standin:{fault}")

    answer = api.launch(deployment_id)

    assert answer.status_code == 504, answer.text
    assert answer.json["code"] == "launch_timeout"
    assert words in answer.json["detail"]
    assert containers_of(engine, deployment_id) == []


def test_a_gateway_killed_for_its_memory_says_so(api: Api) -> None:
    deployment_id = api.configure(image="deploy-agent-standin:eat-memory", memory_limit="96m")
    api.launch(deployment_id, wait=False)

    eventually(lambda: "memory" in api.listed(deployment_id)["reason"], within=30)


def test_a_launch_waits_for_a_slow_gateway(api: Api) -> None:
    deployment_id = api.configure(image="deploy-agent-standin:slow-start")

    assert api.launch(deployment_id).json["status"] == "running"


def test_an_image_that_cannot_be_pulled_is_named(api: Api) -> None:
    deployment_id = api.configure(image="localhost:1/nosuch:1")

    answer = api.launch(deployment_id)

    assert answer.status_code == 502
    assert answer.json["cause"] == "registry_unreachable"
    assert "localhost:1/nosuch:1" in answer.json["detail"]


def test_a_port_taken_in_the_meantime_is_named_with_its_owner(
    api: Api, engine: docker.APIClient
) -> None:
    deployment_id = api.configure()
    port = api.listed(deployment_id)["port"]
    other = engine.create_container(
        STANDIN,
        host_config=engine.create_host_config(port_bindings={80: port}),
        ports=[80],
        environment={"OPENCLAW_GATEWAY_TOKEN": "other"},
    )
    try:
        engine.start(other)
        name = engine.inspect_container(other)["Name"].lstrip("/")
        answer = api.launch(deployment_id)
    finally:
        engine.remove_container(other, force=True)

    assert answer.json["cause"] == "port_taken"
    assert f"taken by the container {name}" in answer.json["detail"]
    assert containers_of(engine, deployment_id) == []


def test_a_launch_can_be_started_without_waiting(api: Api) -> None:
    deployment_id = api.configure()

    answer = api.launch(deployment_id, wait=False)

    assert answer.status_code == 202
    assert answer.json["status"] == "launching"
    operation = api.page(answer.headers["Location"])
    assert operation.json["kind"] == "launch"
    eventually(lambda: api.page(answer.headers["Location"]).json["state"] == "succeeded")
    assert api.listed(deployment_id)["status"] == "running"


def test_a_second_launch_is_rejected_while_one_runs(api: Api) -> None:
    deployment_id = api.configure(image="deploy-agent-standin:slow-start")
    first = api.launch(deployment_id, wait=False).json["operation"]

    refused = api.launch(deployment_id)

    assert refused.status_code == 409
    assert refused.json["code"] == "busy"
    assert refused.json["operation"]["id"] == first["id"]
    assert api.listed(deployment_id)["status"] == "launching"


def test_a_busy_error_names_the_operation_even_if_that_ends_just_then(
    api: Api, deployments_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = deployments_dir / api.configure()
    lock = lock_folder(folder)
    operation = operations.begin(folder, OperationKind.RESTART, "ana")
    loads = count(1)

    def load_before_it_ends(store: DeploymentStore, deployment_id: str) -> Deployment:
        seen = load(store, deployment_id)
        if next(loads) == 2:  # The caller that found the folder locked makes the second load.
            operations.end(folder, replace(operation, state=OperationState.SUCCEEDED))
        return seen

    load = DeploymentStore.load
    monkeypatch.setattr(DeploymentStore, "load", load_before_it_ends)

    refused = api.launch(folder.name)

    os.close(lock)
    assert (refused.status_code, refused.json["code"]) == (409, "busy")
    assert refused.json["operation"]["id"] == operation.number


def test_launching_a_running_gateway_applies_edits(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    api.launch(deployment_id)
    [before] = containers_of(engine, deployment_id)
    edit_env(deployments_dir / deployment_id, TZ="Europe/Berlin", OPENCLAW_GATEWAY_TOKEN="a" * 32)

    again = api.launch(deployment_id)

    assert again.json["status"] == "running"
    [container] = containers_of(engine, deployment_id)
    environment = engine.inspect_container(container["Id"])["Config"]["Env"]
    assert "TZ=Europe/Berlin" in environment
    assert f"OPENCLAW_GATEWAY_TOKEN={'a' * 32}" in environment
    [words] = list_last_words(deployments_dir / deployment_id)
    assert words.container == before["Id"] != container["Id"]
    assert "listening" in words.log


def test_a_failed_pull_leaves_the_running_gateway_alone(
    api: Api, engine: docker.APIClient, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    api.launch(deployment_id)
    [before] = containers_of(engine, deployment_id)
    edit_env(deployments_dir / deployment_id, OPENCLAW_IMAGE="localhost:1/nosuch:1")

    answer = api.launch(deployment_id)

    assert answer.status_code == 502
    [after] = containers_of(engine, deployment_id)
    assert after["Id"] == before["Id"]
    assert after["State"] == "running"
    assert api.listed(deployment_id)["status"] == "running"


def test_a_deployment_without_a_compose_file_is_not_launched(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    (deployments_dir / deployment_id / "docker-compose.yml").unlink()

    answer = api.launch(deployment_id)

    assert answer.status_code == 409
    assert answer.json["code"] == "deployment_invalid"
    assert "docker-compose.yml" in answer.json["detail"]
    assert (
        "operation" not in api.status(deployment_id) or not api.status(deployment_id)["operation"]
    )


def test_a_launch_names_a_damaged_compose_file(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure()
    (deployments_dir / deployment_id / "docker-compose.yml").write_text("services:\n  a: [\n")

    answer = api.launch(deployment_id)

    assert answer.json["cause"] == "compose_file_invalid"


def test_secrets_are_masked_in_everything_a_launch_leaves(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure(image="deploy-agent-standin:leak-token")
    env = parse_env((deployments_dir / deployment_id / ".env").read_bytes())
    secrets = [env["OPENCLAW_GATEWAY_TOKEN"], env["OPENROUTER_API_KEY"]]
    api.launch(deployment_id)

    logs = api.get(f"logs/{deployment_id}").text
    status = api.get(f"status/{deployment_id}").text
    page = api.page(f"/deployments/{deployment_id}").text
    api.stop(deployment_id)
    last_words = api.get(f"logs/{deployment_id}").text

    assert "•" in api.get(f"logs/{deployment_id}").json["logs"], "the stand-in did print them"
    kept = [
        path.read_text(errors="replace")
        for path in (deployments_dir / deployment_id / ".deploy-agent").rglob("*")
        if path.is_file()
    ]
    for secret in secrets:
        for text in (logs, status, page, last_words, *kept):
            assert secret not in text


SERVICES = """
services:
  gateway:
    image: deploy-agent-standin:latest
    restart: always
    environment:
      OPENCLAW_GATEWAY_TOKEN: ${OPENCLAW_GATEWAY_TOKEN}
      OPENCLAW_GATEWAY_PORT: ${PORT}
    ports: ["${PORT}:${PORT}"]
  helper:
    image: deploy-agent-standin:latest
    entrypoint: ["node", "-e", "process.exit(0)"]
    depends_on: [gateway]
"""


def test_the_service_that_publishes_the_port_is_launched_as_the_gateway(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    (deployments_dir / deployment_id / "docker-compose.yml").write_text(SERVICES)

    assert api.launch(deployment_id).json["status"] == "running"

    assert api.listed(deployment_id)["status"] == "running"
    assert len(api.status(deployment_id)["containers"]) == 2


def test_a_launch_unpauses_a_gateway_without_replacing_it(
    api: Api, engine: docker.APIClient
) -> None:
    deployment_id = api.configure()
    api.launch(deployment_id)
    [before] = containers_of(engine, deployment_id)
    engine.pause(before["Id"])

    answer = api.launch(deployment_id)

    assert answer.json["status"] == "running", answer.text
    [after] = containers_of(engine, deployment_id)
    assert after["Id"] == before["Id"]


def test_a_port_published_elsewhere_is_named(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure()
    compose_file = deployments_dir / deployment_id / "docker-compose.yml"
    ours = "${BIND_ADDRESS:+${BIND_ADDRESS}:}${PORT:?}:${PORT:?}"
    compose_file.write_text(compose_file.read_text().replace(ours, f"{free_port()}:${{PORT:?}}"))

    answer = api.launch(deployment_id)

    assert answer.json["cause"] == "port_refused"
    assert "The gateway is published on port" in answer.json["detail"]


def test_a_token_only_in_the_gateways_config_delays_no_launch(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    folder = deployments_dir / deployment_id
    env = parse_env((folder / ".env").read_bytes())
    del env["OPENCLAW_GATEWAY_TOKEN"]
    (folder / ".env").write_text(format_env(env))
    compose_file = folder / "docker-compose.yml"
    compose_file.write_text(compose_file.read_text().replace("TOKEN:?set it in .env", "TOKEN:-"))

    assert api.launch(deployment_id).json["status"] == "running"

    token = eventually(
        lambda: (
            _readiness_check(api, deployment_id, "token")["detail"]
            and _readiness_check(api, deployment_id, "token")
        )
    )
    assert token["state"] == "failed"
    assert "no token in .env" in token["detail"]


def _readiness_check(api: Api, deployment_id: str, name: str) -> dict[str, str]:
    return next(check for check in api.status(deployment_id)["ladder"] if check["name"] == name)


def test_compose_variables_in_the_environment_are_ignored(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure()
    edit_env(
        deployments_dir / deployment_id,
        COMPOSE_IGNORE_ORPHANS="1",
        COMPOSE_PROJECT_NAME="another",
        COMPOSE_FILE="/nowhere.yml",
        DOCKER_HOST="tcp://127.0.0.1:1",
    )

    assert api.launch(deployment_id).json["status"] == "running"
    assert api.stop(deployment_id).json["status"] == "stopped"


def test_a_page_shows_no_failed_check_once_the_launch_has_verified_the_gateway(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure()
    (deployments_dir / deployment_id / "config/standin-fault").write_text("slow-start:4")
    api.launch(deployment_id, wait=False)

    def broken() -> list[str]:
        page = api.page(f"/deployments/{deployment_id}").text
        return re.findall('<span class="hidden">failed:</span>(.*)', page)

    eventually(lambda: broken() == ["/healthz says live"])
    eventually(lambda: api.status(deployment_id)["operation"]["state"] == "succeeded")

    assert broken() == []
