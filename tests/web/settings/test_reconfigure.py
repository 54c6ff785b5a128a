"""A reconfiguration is applied with a restart and verified, or rolled back with the gateway."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.config import Settings
from app.core.settings.env_file import parse_env, with_value
from app.store.history import read_history
from app.store.operation_log import read_log
from demo.cleaning import remove_everything_of
from demo.devices import Browser
from tests.support.api import BASE, Api
from tests.support.engine.images import STANDIN
from tests.support.files.small_disk import fill, mounted
from tests.support.operations import operation_process
from tests.support.server import free_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("preloaded_operations")

BOT = "110201543:AAHcanary-canary-canary-canary-canar"


@pytest.fixture(scope="module")
def deployments_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("reconfigured") / "deployments"
    folder.mkdir()
    yield folder
    remove_everything_of(folder)


@pytest.fixture(scope="module")
def api(deployments_dir: Path) -> Api:
    return Api(create_app(Settings(deployments_dir=deployments_dir, image=STANDIN)))


def reconfigure(api: Api, deployment_id: str, **body: Any) -> Any:
    answer = api.post("reconfigure", {"deployment_id": deployment_id, **body})
    assert answer.status_code == 200, answer.text
    return answer.json


def env_of(folder: Path) -> dict[str, str]:
    return parse_env((folder / ".env").read_bytes())


def token_works(folder: Path) -> bool:
    """Return whether the gateway accepts the token of `.env`, as its own page would send it."""
    env = env_of(folder)
    browser = Browser(env["PORT"], env["OPENCLAW_GATEWAY_TOKEN"], name="127.0.0.1")
    answer = browser.knock()
    browser.close()
    return bool(answer["ok"])


def files_of(folder: Path) -> list[bytes]:
    names = (".env", "docker-compose.yml", "config/openclaw.json", ".deploy-agent/applied.json")
    return [(folder / name).read_bytes() for name in names]


def kept_by_operations(folder: Path) -> list[Path]:
    return [*folder.glob(".deploy-agent/operations/*/*.kept")]


def test_changes_are_applied_with_a_restart_and_manual_edits_stay(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure(name="Support")
    folder = deployments_dir / deployment_id
    env, compose_file = folder / ".env", folder / "docker-compose.yml"
    env.write_text(f"# ours\n\nMINE=1 # why\n{env.read_text()}")
    compose_file.write_text(compose_file.read_text().replace("pids_limit: 512", "pids_limit: 500"))
    assert api.launch(deployment_id).status_code == 200
    before, port = env.read_bytes(), free_port()
    wish = {"port": port, "telegram_bot_token": BOT, "model": "openai/gpt-6-astra"}

    preview = reconfigure(api, deployment_id, preview=True, **wish)
    assert env.read_bytes() == before
    done = reconfigure(api, deployment_id, seen=preview["seen"], **wish)

    changes = {each["field"]: (each["what"], each["after"]) for each in preview["changes"]}
    assert changes == {
        "port": ("changed", str(port)),
        "model": ("added", "openai/gpt-6-astra"),
        "telegram_bot_token": ("added", None),
    }
    assert preview["runs"] is True
    assert {"Port", "Telegram bot token"} <= set(preview["restart"])
    assert [line[0] for line in preview["diff"].splitlines()[2:] if line[0] != " "] == list("@-+")
    assert (done["status"], done["port"]) == ("running", port)
    expected = with_value(before, "PORT", str(port)).decode()
    assert env.read_text() == (
        f"{expected}TELEGRAM_BOT_TOKEN={BOT}\nOPENCLAW_MODEL=openai/gpt-6-astra\n"
    )
    assert "pids_limit: 500" in compose_file.read_text()
    config = json.loads((folder / "config/openclaw.json").read_text())
    assert config["agents"]["defaults"]["model"]["primary"] == "openai/gpt-6-astra"
    assert f"http://localhost:{port}" in config["gateway"]["controlUi"]["allowedOrigins"]
    assert token_works(folder)
    ours = folder / ".deploy-agent"
    texts = [each.read_text() for each in ours.rglob("*") if each.is_file()]
    assert not any(BOT in each for each in [*texts, json.dumps(preview), json.dumps(done)])
    assert (
        api.get(f"history/{deployment_id}")
        .json["entries"][0]["words"]
        .startswith("Reconfiguration of Port, Model, Telegram bot token")
    )

    # A change that does not affect the container needs no restart. A change that is only saved is
    # not applied.
    reconfigure(api, deployment_id, name="Sales")
    saved = reconfigure(api, deployment_id, memory_limit="1g", restart=False)
    assert (saved["status"], api.listed(deployment_id)["name"]) == ("running", "Sales")
    assert read_log(folder, 3)[0].endswith("Writing .env and docker-compose.yml")
    assert not any("docker compose" in line for line in read_log(folder, 3) + read_log(folder, 4))

    stale = api.post(
        "reconfigure", {"deployment_id": deployment_id, "seen": preview["seen"], "name": "x"}
    )
    assert (stale.status_code, stale.json["code"]) == (409, "stale")
    assert {"PORT", "MEMORY_LIMIT", "docker-compose.yml"} <= set(stale.json["changed"])
    assert api.listed(deployment_id)["name"] == "Sales"


def test_a_failed_reconfiguration_is_rolled_back_and_the_old_gateway_runs(
    api: Api, deployments_dir: Path
) -> None:
    deployment_id = api.configure(telegram_bot_token=BOT)
    folder = deployments_dir / deployment_id
    assert api.launch(deployment_id).status_code == 200
    before, [container] = files_of(folder), api.status(deployment_id)["containers"]
    wish = {"port": free_port(), "model": "x/y", "remove": ["telegram_bot_token"]}

    # Foreseeable failures are found before the old gateway is stopped.
    missing = api.post(
        "reconfigure",
        {"deployment_id": deployment_id, **wish, "image": "127.0.0.1:1/nobody/has:it"},
    )

    assert (missing.status_code, missing.json["code"]) == (502, "reconfigure_failed")
    assert (
        "The old configuration was put back, and the gateway was not touched."
        in missing.json["detail"]
    )
    assert files_of(folder) == before
    assert [each["id"] for each in api.status(deployment_id)["containers"]] == [container["id"]]

    crashed = api.post(
        "reconfigure",
        {"deployment_id": deployment_id, **wish, "image": "deploy-agent-standin:crash"},
    )

    assert (crashed.status_code, crashed.json["cause"]) == (502, "exited_1"), crashed.text
    assert "The old configuration was put back, and the gateway runs." in crashed.json["detail"]
    assert files_of(folder)[:3] == before[:3]
    now = api.status(deployment_id)
    assert now["status"] == "running"
    assert [each["id"] for each in now["containers"]] != [container["id"]]
    assert token_works(folder)
    assert kept_by_operations(folder) == []


def begun_until_taken_down(api: Api, folder: Path, **wish: Any) -> int:
    """Start a reconfiguration, and return its number once Compose begins to replace the gateway."""
    body = {"deployment_id": folder.name, "wait": False, **wish}
    begun = api.post("reconfigure", body)
    assert begun.status_code == 202, begun.text
    number: int = begun.json["operation"]["id"]
    # `up` without `down`: after a killed reconfiguration there may be no gateway to stop.
    compose = re.compile("docker compose (down|up)")
    eventually(lambda: any(compose.search(line) for line in read_log(folder, number)))
    return number


def killed_while_taken_down(api: Api, folder: Path, **wish: Any) -> None:
    """Start a reconfiguration, and kill its process while no gateway runs."""
    begun_until_taken_down(api, folder, **wish)
    operation_process(folder, api.status(folder.name)["operation"]["id"]).kill()
    eventually(lambda: api.status(folder.name)["operation"]["state"] == "interrupted")


def test_a_killed_reconfiguration_is_undone_or_finished(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure()
    folder, port = deployments_dir / deployment_id, free_port()
    api.launch(deployment_id)
    before = files_of(folder)

    killed_while_taken_down(api, folder, port=port, model="x/y")
    assert ">Undo the change</button>" in api.page(f"/deployments/{deployment_id}").text
    pressed = api.client.post(
        f"/deployments/{deployment_id}/edit/resume", data={"verb": "undo"}, base_url=BASE
    )

    assert pressed.status_code == 303
    eventually(lambda: api.status(deployment_id)["operation"]["state"] == "succeeded", within=60)
    assert api.status(deployment_id)["status"] == "running"
    assert files_of(folder)[:3] == before[:3]
    eventually(lambda: kept_by_operations(folder) == [])
    again = api.post("reconfigure", {"deployment_id": deployment_id, "resume": "undo"})
    assert (again.status_code, again.json["code"]) == (409, "not_undone")

    killed_while_taken_down(api, folder, port=port, model="x/y")
    killed_while_taken_down(api, folder, resume="undo")
    finished = reconfigure(api, deployment_id, resume="finish")

    assert (finished["status"], finished["port"]) == ("running", port)
    assert b'"x/y"' in files_of(folder)[2]
    assert token_works(folder)
    assert kept_by_operations(folder) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_reconfiguration_blocked_by_a_full_disk_can_be_resumed_later(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "deployments", megabytes=4) as disk:
        deployments = disk / "deployments"
        api = Api(create_app(Settings(deployments_dir=deployments, image=STANDIN)))
        deployment_id = api.configure()
        folder = deployments / deployment_id
        api.launch(deployment_id)
        before = files_of(folder)

        wish = {"model": "x/y", "image": "deploy-agent-standin:crash"}
        number = begun_until_taken_down(api, folder, **wish)
        filler = fill(disk)
        eventually(lambda: api.status(deployment_id)["operation"]["state"] == "failed")

        operation = api.status(deployment_id)["operation"]
        assert operation["code"] == "not_put_back"
        assert (
            "The old configuration could not be put back. The disk is full." in operation["reason"]
        )
        assert operation["next_step"] == (
            "Make room, then try again. Finish or undo the reconfiguration before anything else:"
            " until then, the old files are kept."
        )
        assert env_of(folder)["OPENCLAW_MODEL"] == "x/y"
        assert ">Undo the change</button>" in api.page(f"/deployments/{deployment_id}").text
        undo = {"deployment_id": deployment_id, "resume": "undo"}
        refused = api.post("reconfigure", undo)
        assert (refused.status_code, refused.json["cause"]) == (507, "disk_full")
        filler.unlink()
        written = (folder / ".env").read_bytes()
        (folder / ".env").write_bytes(written + b"MINE=1\n")
        stale = api.post("reconfigure", {**undo, "resume": "finish"})
        assert stale.json["cause"] == "not_put_back", stale.text
        assert "Undo the change: this leaves .env alone" in stale.json["detail"]
        assert {each.parent.name for each in kept_by_operations(folder)} == {str(number + 1)}
        (folder / ".env").write_bytes(written)
        undone = api.post("reconfigure", undo)

        assert undone.json["status"] == "running", undone.text
        assert files_of(folder)[:3] == before[:3]
        assert kept_by_operations(folder) == []


def test_a_stopped_deployment_is_only_rewritten(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure()
    folder, port = deployments_dir / deployment_id, free_port()

    done = reconfigure(api, deployment_id, port=port, timezone="Europe/Berlin")

    assert (done["status"], done["port"]) == ("configured", port)
    assert env_of(folder)["TZ"] == "Europe/Berlin"
    assert reconfigure(api, deployment_id, port=port)["changed"] == []
    assert [each["what"] for each in read_history(folder)][-2:] == [
        "reconfigure",
        "reconfigure succeeded",
    ]


@pytest.mark.usefixtures("no_engine")
def test_saving_only_needs_no_engine(settings: Settings) -> None:
    api = Api(create_app(settings))
    deployment_id = api.configure(name="Support")

    reconfigure(api, deployment_id, name="Sales", restart=False)

    assert api.status(deployment_id)["name"] == "Sales"


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"port": "0"}, "port", "must be between 1 and 65535"),
        ({"port": ""}, "port", "is needed"),
        ({"remove": ["port"]}, "port", "can't be removed"),
        ({"remove": "port"}, "remove", "must be a list"),
        ({"preview": "yes"}, "preview", "must be true or false"),
        ({"seen": "anything"}, "seen", "must be the `seen` of a preview"),
        ({"resume": "later"}, "resume", "must be one of finish, undo"),
        ({"openclaw_gateway_token": "mine"}, "openclaw_gateway_token", "is made by Deploy Agent"),
    ],
)
def test_invalid_input_is_reported_by_field_and_changes_nothing(
    api: Api, deployments_dir: Path, body: dict[str, Any], field: str, words: str
) -> None:
    deployment_id = api.configure()
    before = files_of(deployments_dir / deployment_id)

    answer = api.post("reconfigure", {"deployment_id": deployment_id, **body})

    assert answer.status_code == 422, answer.text
    [error] = answer.json["errors"]
    assert (error["field"], error["message"][: len(words)]) == (field, words)
    assert files_of(deployments_dir / deployment_id) == before


def test_a_taken_port_is_rejected_with_its_owner_and_a_free_one(api: Api) -> None:
    other, deployment_id = api.configure(name="Sales"), api.configure()
    taken = api.listed(other)["port"]

    answer = api.post("reconfigure", {"deployment_id": deployment_id, "port": taken})

    assert answer.status_code == 422
    free = answer.json["free_port"]
    assert answer.json["errors"][0]["message"] == (
        f"is taken by the deployment Sales ({other}); {free} is free"
    )
    assert reconfigure(api, deployment_id, port=free)["port"] == free
