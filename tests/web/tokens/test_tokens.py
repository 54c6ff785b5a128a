"""A gateway's token: rotated and proven, put back where that fails, compared in four places."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from app import create_app
from app.config import PROJECT, Settings
from app.core.settings.env_file import parse_env
from app.engine.gateway.probe import connect_request
from app.store.operations import read_log
from demo.cleaning import operation_processes, remove_everything_of
from tests.conftest import STANDIN
from tests.support.api import BASE, Api
from tests.support.command_line import CommandLine
from tests.support.waiting import eventually
from tests.web.lifecycle.test_launch import containers_of, edit_env
from tests.web.status.test_pages import csrf_token

pytestmark = pytest.mark.usefixtures("warm_operations")

KEY = "OPENCLAW_GATEWAY_TOKEN"
CONNECTS = (PROJECT / "images/standin/connect.mjs").read_text()
EQUAL = {"env": "equal", "config": "equal", "container": "equal", "gateway": "equal"}


class Tokens:
    """One deployment's token, where it stands and what its gateway says to it."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api, self.folder, self.id = api, folder, folder.name

    @property
    def in_env(self) -> str:
        return parse_env((self.folder / ".env").read_bytes())[KEY]

    @property
    def config(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "config/openclaw.json").read_text()))

    @property
    def in_config(self) -> str:
        return str(self.config["gateway"]["auth"]["token"])

    def write_config(self, token: str | None) -> None:
        config = self.config
        config["gateway"]["auth"] = {"mode": "token"} | ({"token": token} if token else {})
        (self.folder / "config/openclaw.json").write_text(json.dumps(config))

    def says_to(self, token: str) -> str:
        """Return the gateway's answer to a token: `hello-ok`, or the code of its refusal."""
        port = parse_env((self.folder / ".env").read_bytes())["PORT"]
        with connect(f"ws://127.0.0.1:{port}", proxy=None) as gateway:
            gateway.recv(timeout=10)
            gateway.send(json.dumps(connect_request("1", token)))
            answer = json.loads(gateway.recv(timeout=10))
        return str(
            answer["payload"]["type"] if answer["ok"] else answer["error"]["details"]["code"]
        )

    def takes(self, token: str) -> bool:
        with suppress(OSError, WebSocketException):
            return self.says_to(token) == "hello-ok"
        return False

    @contextmanager
    def refusing(self, which: str) -> Iterator[None]:
        """Let the gateway refuse other secrets than the wrong ones, from its next start on."""
        connects = self.folder / "connect.mjs"
        changed = CONNECTS.replace("secret !== this.#token", which)
        assert changed != CONNECTS
        connects.write_text(changed)
        try:
            yield
        finally:
            connects.write_text(CONNECTS)

    def places(self) -> dict[str, str]:
        answer = self.api.get(f"token/{self.id}")
        assert answer.status_code == 200, answer.text
        return {each["place"]: each["match"] for each in answer.json["places"]}

    def rotate(self, **more: object) -> Any:
        return self.api.post("rotate_token", {"deployment_id": self.id, **more})

    def equalize(self) -> Any:
        return self.api.post("token/equalize", {"deployment_id": self.id})

    def page(self, of: str = "") -> str:
        return self.api.page(f"/deployments/{self.id}{of}").text

    def log(self, number: int) -> list[str]:
        return [line.partition(" ")[2] for line in read_log(self.folder, number)]

    def written_down(self) -> str:
        """Return all that Deploy Agent keeps of its own about the deployment."""
        kept = (self.folder / ".deploy-agent").rglob("*")
        return "".join(path.read_text(errors="replace") for path in kept if path.is_file())


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tokens]:
    """One gateway that runs; each test leaves it running, with equal tokens."""
    deployments_dir = tmp_path_factory.mktemp("token") / "deployments"
    deployments_dir.mkdir()
    api = Api(create_app(Settings(deployments_dir=deployments_dir, image=STANDIN)))
    tokens = Tokens(api, deployments_dir / api.configure(name="Support bot"))
    # Tests stage here what it says to a token.
    connects, compose = tokens.folder / "connect.mjs", tokens.folder / "docker-compose.yml"
    connects.write_text(CONNECTS)
    mounted = f"volumes:\n      - {connects}:/app/connect.mjs:ro"
    compose.write_text(compose.read_text().replace("volumes:", mounted, 1))
    assert api.launch(tokens.id).status_code == 200
    yield tokens
    remove_everything_of(deployments_dir)


@pytest.fixture
def configured(api: Api, deployments_dir: Path) -> Tokens:
    return Tokens(api, deployments_dir / api.configure())


def test_a_rotated_token_is_accepted_the_old_one_refused_and_neither_is_written_down(
    launched: Tokens,
) -> None:
    env = launched.folder / ".env"
    text = f"# ours, do not touch\n{env.read_text()}\nMINE='a b' # stays\n"
    env.write_text(text)
    old = launched.in_env
    asks = launched.page("/rotate-token")
    assert "Everybody who comes with the old token is cut off" in asks

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
    assert launched.says_to(new) == "hello-ok"
    assert launched.says_to(old) == "AUTH_TOKEN_MISMATCH"
    assert launched.log(operation["id"])[-2:] == ["The old token is refused", "Done"]
    page = launched.page()
    assert "Who comes with the old token is refused." in page
    for token in (old, new):
        assert token not in launched.written_down()
        assert token not in page + launched.page("/token")


def test_places_that_differ_are_found_without_a_look_at_them_and_made_equal(
    launched: Tokens, engine: docker.APIClient
) -> None:
    other = "another-token-of-somebody"
    launched.write_config(other)
    [container] = containers_of(engine, launched.id)
    engine.restart(container["Id"], timeout=5)
    # Not asked by way of the probes, which keep for a while what they saw of a start.
    eventually(lambda: launched.takes(other), within=60)
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
    assert launched.says_to(other) == "AUTH_TOKEN_MISMATCH"
    assert "Make them equal" not in launched.page("/token")
    assert other not in launched.written_down()


def test_a_token_that_the_gateway_does_not_take_is_put_back_and_the_gateway_with_it(
    launched: Tokens,
) -> None:
    old = launched.in_env
    launched.write_config(old)  # In another form than ours.
    kept = [launched.folder / ".env", launched.folder / "config/openclaw.json"]
    before = [path.read_bytes() for path in kept]

    with launched.refusing(f'secret !== "{old}"'):
        rotated = launched.rotate()

    assert (rotated.status_code, rotated.json["code"]) == (502, "token_not_proven")
    assert "The old token is back, and the gateway runs with it." in rotated.json["detail"]
    assert rotated.json["cause"] == "token_refused"
    assert [path.read_bytes() for path in kept] == before
    assert launched.api.status(launched.id)["status"] == "running"
    assert launched.says_to(old) == "hello-ok"
    steps = re.findall(r'data-step="(\w+)"><span.*?</span>(.*)', launched.page())
    undone = [("done", "Take down what was started"), ("done", "Go back to what was before")]
    assert steps[-2:] == undone


def test_a_gateway_that_takes_the_old_token_too_has_not_been_rotated(launched: Tokens) -> None:
    old = launched.in_env

    with launched.refusing("!secret"):
        rotated = launched.rotate()

    assert rotated.status_code == 502, rotated.text
    assert rotated.json["cause"] == "old_token_accepted"
    assert "lets in who comes with the old one, too" in rotated.json["detail"]
    assert launched.in_env != old
    assert launched.api.status(launched.id)["status"] == "running"


def test_of_one_that_is_down_the_token_is_only_written_until_its_launch_proves_it(
    configured: Tokens, engine: docker.APIClient, cli: CommandLine
) -> None:
    old = configured.in_env
    assert "its next launch proves it" in configured.page("/rotate-token")

    rotated = configured.rotate()

    assert rotated.status_code == 200, rotated.text
    assert (rotated.json["status"], rotated.json["proven"]) == ("configured", False)
    assert configured.in_config == configured.in_env != old
    assert containers_of(engine, configured.id) == []
    assert "its next launch takes the new token and proves it" in configured.page()
    assert configured.places() == {**EQUAL, "container": "unknown", "gateway": "unknown"}
    assert "which its next launch proves" in cli.done("rotate-token", configured.id)
    configured.write_config("another")
    found = cli.json("check-token", configured.id, exit_code=1)
    assert found == configured.api.get(f"token/{configured.id}").json
    assert found["agree"] is False
    cli.done("equalize-token", configured.id)
    assert "config/openclaw.json: equal" in cli.done("check-token", configured.id)
    edit_env(configured.folder, **{KEY: ""})
    assert configured.equalize().json["code"] == "deployment_invalid"
    assert configured.places()["env"] == "absent"


def test_a_rotation_that_was_killed_is_finished_by_the_next_launch(
    launched: Tokens,
) -> None:
    old = launched.in_env
    fault = launched.folder / "config/standin-fault"
    fault.write_text("slow-start:600")
    begun = launched.rotate(wait=False)
    assert begun.status_code == 202, begun.text
    number = begun.json["operation"]["id"]
    [process] = eventually(lambda: operation_processes(launched.folder.parent))
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
    assert launched.says_to(launched.in_env) == "hello-ok"
    assert launched.says_to(old) == "AUTH_TOKEN_MISMATCH"
