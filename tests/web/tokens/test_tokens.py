"""A token is rotated and verified, rolled back on failure, and compared in four places."""

import re
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from app import create_app
from app.config import Settings
from demo.cleaning import remove_everything_of
from tests.support.api import BASE, Api
from tests.support.command_line import CommandLine
from tests.support.engine.containers import containers_of
from tests.support.engine.images import STANDIN
from tests.support.files.env_edits import edit_env
from tests.support.gateway_token import CONNECTS, KEY, GatewayToken
from tests.support.operations import operation_process
from tests.support.pages import csrf_token
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("preloaded_operations")

EQUAL = {"env": "equal", "config": "equal", "container": "equal", "gateway": "equal"}


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayToken]:
    """A running gateway. Each test leaves the gateway running with the same token in all places."""
    deployments_dir = tmp_path_factory.mktemp("token") / "deployments"
    deployments_dir.mkdir()
    api = Api(create_app(Settings(deployments_dir=deployments_dir, image=STANDIN)))
    tokens = GatewayToken(api, deployments_dir / api.configure(name="Support bot"))
    # Tests edit this file to change how the gateway answers a token.
    connects, compose = tokens.folder / "connect.mjs", tokens.folder / "docker-compose.yml"
    connects.write_text(CONNECTS)
    mounted = f"volumes:\n      - {connects}:/app/connect.mjs:ro"
    compose.write_text(compose.read_text().replace("volumes:", mounted, 1))
    assert api.launch(tokens.id).status_code == 200
    yield tokens
    remove_everything_of(deployments_dir)


@pytest.fixture
def configured(api: Api, deployments_dir: Path) -> GatewayToken:
    return GatewayToken(api, deployments_dir / api.configure())


def test_a_rotated_token_is_accepted_the_old_one_refused_and_neither_is_logged(
    launched: GatewayToken,
) -> None:
    env = launched.folder / ".env"
    text = f"# ours, do not touch\n{env.read_text()}\nMINE='a b' # stays\n"
    env.write_text(text)
    old = launched.in_env
    asks = launched.page("/rotate-token")
    assert "Everyone who uses the old token is disconnected" in asks

    pressed = launched.api.client.post(
        f"/deployments/{launched.id}/rotate-token",
        data={"csrf_token": csrf_token(asks)},
        base_url=BASE,
    )

    assert pressed.status_code == 303, pressed.text
    eventually(lambda: launched.api.status(launched.id)["operation"]["state"] != "running", 60)
    operation = launched.api.status(launched.id)["operation"]
    assert (operation["state"], operation["arguments"]) == ("succeeded", {}), operation
    new = launched.in_env
    assert env.read_text() == text.replace(old, new)
    assert re.fullmatch("[0-9a-f]{64}", new)
    assert launched.in_config == new
    assert launched.answer_to(new) == "hello-ok"
    assert launched.answer_to(old) == "AUTH_TOKEN_MISMATCH"
    assert launched.log(operation["id"])[-2:] == ["The old token is refused", "Done"]
    page = launched.page()
    assert "The old token is refused now." in page
    for token in (old, new):
        assert token not in launched.own_files_text()
        assert token not in page + launched.page("/token")


def test_differing_places_are_found_and_equalized(
    launched: GatewayToken, engine: docker.APIClient
) -> None:
    other = "another-token-of-somebody"
    launched.write_config(other)
    [container] = containers_of(engine, launched.id)
    engine.restart(container["Id"], timeout=5)
    # Connect directly, because the cached readiness checks may be from the gateway's start.
    eventually(lambda: launched.accepts(other), within=60)
    assert launched.places() == {**EQUAL, "config": "differs", "gateway": "differs"}
    page = launched.page("/token")
    assert "Make them equal" in page
    assert other not in page

    equalized = launched.equalize()

    assert equalized.status_code == 200, equalized.text
    assert equalized.json == {
        "ok": True,
        "deployment_id": launched.id,
        "status": "running",
        "proven": True,
    }
    eventually(lambda: launched.places() == EQUAL, within=60)
    assert launched.answer_to(other) == "AUTH_TOKEN_MISMATCH"
    assert "Make them equal" not in launched.page("/token")
    assert other not in launched.own_files_text()


def test_a_rejected_token_is_rolled_back_with_the_gateway(
    launched: GatewayToken,
) -> None:
    old = launched.in_env
    launched.write_config(old)  # The format differs from our own.
    kept = [launched.folder / ".env", launched.folder / "config/openclaw.json"]
    before = [path.read_bytes() for path in kept]

    with launched.refusing(f'secret !== "{old}"'):
        rotated = launched.rotate()

    assert (rotated.status_code, rotated.json["code"]) == (502, "token_not_proven")
    assert "The old token was put back, and the gateway runs." in rotated.json["detail"]
    assert rotated.json["cause"] == "token_refused"
    assert [path.read_bytes() for path in kept] == before
    assert launched.api.status(launched.id)["status"] == "running"
    assert launched.answer_to(old) == "hello-ok"
    steps = re.findall(r'data-step="(\w+)"><span.*?</span>(.*)', launched.page())
    undone = [("done", "Take down what was started"), ("done", "Roll back")]
    assert steps[-2:] == undone


def test_a_gateway_that_fails_with_either_token_is_a_failed_rollback(
    configured: GatewayToken,
) -> None:
    old = configured.in_env
    assert configured.api.launch(configured.id).status_code == 200
    (configured.folder / "config/standin-fault").write_text("crash:1")

    rotated = configured.rotate()

    assert (rotated.status_code, rotated.json["code"]) == (502, "token_not_proven")
    assert rotated.json["cause"] == rotated.json["operation"]["code"] == "not_put_back"
    assert "The old token was put back, but the gateway does not come up" in rotated.json["detail"]
    assert (
        "Launch the deployment: this applies and verifies the token of .env"
        in rotated.json["detail"]
    )
    assert configured.in_config == configured.in_env == old


def test_a_rotation_fails_if_the_old_token_still_works(launched: GatewayToken) -> None:
    old = launched.in_env

    with launched.refusing("!secret"):
        rotated = launched.rotate()

    assert rotated.status_code == 502, rotated.text
    assert rotated.json["cause"] == "old_token_accepted"
    assert "the gateway still accepts the old token, too" in rotated.json["detail"]
    assert launched.in_env != old
    assert launched.api.status(launched.id)["status"] == "running"


def test_a_stopped_gateways_new_token_is_verified_by_its_next_launch(
    configured: GatewayToken, engine: docker.APIClient, cli: CommandLine
) -> None:
    old = configured.in_env
    assert "the next launch verifies it" in configured.page("/rotate-token")

    rotated = configured.rotate()

    assert rotated.status_code == 200, rotated.text
    assert (rotated.json["status"], rotated.json["proven"]) == ("configured", False)
    assert configured.in_config == configured.in_env != old
    assert containers_of(engine, configured.id) == []
    assert "its next launch uses the new token and verifies it" in configured.page()
    assert configured.places() == {**EQUAL, "container": "unknown", "gateway": "unknown"}
    assert "which its next launch verifies" in cli.done("rotate-token", configured.id)
    configured.write_config("another")
    found = cli.json("check-token", configured.id, exit_code=1)
    assert found == configured.api.get(f"token/{configured.id}").json
    assert found["agree"] is False
    cli.done("equalize-token", configured.id)
    assert "config/openclaw.json: equal" in cli.done("check-token", configured.id)
    edit_env(configured.folder, **{KEY: ""})
    assert configured.equalize().json["code"] == "deployment_invalid"
    assert configured.places()["env"] == "absent"


def test_the_next_launch_finishes_a_killed_rotation(
    launched: GatewayToken,
) -> None:
    old = launched.in_env
    fault = launched.folder / "config/standin-fault"
    fault.write_text("slow-start:600")
    begun = launched.rotate(wait=False)
    assert begun.status_code == 202, begun.text
    number = begun.json["operation"]["id"]
    process = operation_process(launched.folder, number)
    eventually(lambda: "Waiting for the gateway to answer" in launched.log(number), within=60)

    process.kill()

    eventually(
        lambda: launched.api.status(launched.id)["operation"]["state"] == "interrupted", within=60
    )
    [container] = launched.api.status(launched.id)["containers"]
    assert container["state"] == "running"
    fault.unlink()
    assert launched.api.post("restart", {"deployment_id": launched.id}).status_code == 200
    eventually(lambda: launched.places() == EQUAL, within=60)
    assert launched.answer_to(launched.in_env) == "hello-ok"
    assert launched.answer_to(old) == "AUTH_TOKEN_MISMATCH"
