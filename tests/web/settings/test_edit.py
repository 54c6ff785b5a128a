"""The form that changes a deployment: no secrets, lost input or stale changes. Also drift."""

import os
import re
import socket
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import docker
import pytest
from werkzeug.test import TestResponse

from app.core.settings.env_file import parse_env
from app.store.locks import lock_folder
from tests.support.api import API_KEY, BASE, Api
from tests.support.command_line import CommandLine
from tests.support.engine.containers import run_container_of
from tests.support.files.env_edits import edit_env
from tests.support.pages import HTMX
from tests.support.server import free_port
from tests.support.waiting import eventually

BOT = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw4"


class Form:
    """A deployment's form in a browser without JavaScript."""

    def __init__(self, api: Api, deployment_id: str) -> None:
        self.api, self.path = api, f"/deployments/{deployment_id}/edit"
        self.read(api.page(self.path).text)

    def read(self, html: str) -> None:
        inputs = re.findall(
            r"<input ([^>]+)>", html.partition('<form id="edit"')[2].partition("</form>")[0]
        )
        pairs = [
            (re.search(r'name="([^"]+)"', each), re.search(r'value="([^"]*)"', each))
            for each in inputs
        ]
        self.fields = {
            name[1]: unescape(value[1]) if value else ""
            for name, value in pairs
            if name and name[1] not in ("remove", "csrf_token")
        }

    def send(
        self, then: str = "restart", at: str = "", htmx: bool = False, **more: object
    ) -> TestResponse:
        data = {**self.fields, "then": then, **more}
        headers = HTMX if htmx else {}
        return self.api.client.post(f"{self.path}{at}", data=data, base_url=BASE, headers=headers)


def env_of(folder: Path) -> dict[str, str]:
    return parse_env((folder / ".env").read_bytes())


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


@pytest.fixture
def deployment_id(api: Api) -> str:
    return api.configure(name="Sales", timezone="Europe/Berlin", telegram_bot_token=BOT)


@pytest.fixture
def folder(deployments_dir: Path, deployment_id: str) -> Path:
    return deployments_dir / deployment_id


def test_an_unchanged_form_changes_nothing_and_has_no_secret(
    api: Api, deployment_id: str, folder: Path
) -> None:
    edit_env(folder, OPENCLAW_MODEL="written by hand")
    before, form = (folder / ".env").read_bytes(), Form(api, deployment_id)

    answer = form.send()

    assert (form.fields["name"], form.fields["timezone"]) == ("Sales", "Europe/Berlin")
    assert form.fields["openrouter_api_key"] == form.fields["telegram_bot_token"] == ""
    page = api.page(form.path).text
    assert not any(
        each in page for each in (API_KEY, BOT, env_of(folder)["OPENCLAW_GATEWAY_TOKEN"])
    )
    assert answer.status_code == 303
    assert (folder / ".env").read_bytes() == before


def test_a_preview_shows_changes_but_no_secret_values(
    api: Api, deployment_id: str, folder: Path
) -> None:
    before, form, port = (folder / ".env").read_bytes(), Form(api, deployment_id), str(free_port())
    secret = "sk-or-v1-canary-canary"

    shown = form.send(
        at="/preview", htmx=True, port=port, name="Büro & <b>", openrouter_api_key=secret,
        timezone="", remove="telegram_bot_token",
    )  # fmt: skip

    assert shown.status_code == 200
    assert "canary" not in shown.text
    words = text_of(shown.text)
    assert f"Port {env_of(folder)['PORT']} → {port}" in words
    assert "Name Sales → Büro & <b>" in words
    assert "OpenRouter API key changed" in words
    assert "Telegram bot token removed" in words
    assert "Time zone Europe/Berlin removed" in words
    assert "The gateway is not running. Its next launch applies the change." in words
    assert "- - subnet: 10." in words and "+ - subnet: 10." in words
    assert (folder / ".env").read_bytes() == before
    whole = form.send(at="/preview", name="Büro")
    assert "Name Sales → Büro" in text_of(whole.text)
    assert 'value="Büro"' in whole.text


def test_errors_are_shown_at_their_fields_and_input_is_kept(
    api: Api, deployment_id: str, folder: Path
) -> None:
    before, form = (folder / ".env").read_bytes(), Form(api, deployment_id)

    answer = form.send(port="99999", name="Büro", openrouter_api_key="sk-canary")

    assert answer.status_code == 422
    assert "One field needs another value Nothing was changed." in text_of(answer.text)
    assert "It must be between 1 and 65535." in text_of(answer.text)
    assert 'value="Büro"' in answer.text and "canary" not in answer.text
    assert (folder / ".env").read_bytes() == before
    said = form.send(at="/check", htmx=True)
    assert text_of(said.text) == ""
    check = api.client.post(
        f"{form.path}/check", data={"port": "99999"}, base_url=BASE, headers=HTMX
    )
    assert text_of(check.text) == "It must be between 1 and 65535."


def test_input_is_kept_if_another_operation_is_running(
    api: Api, deployment_id: str, folder: Path
) -> None:
    form = Form(api, deployment_id)
    lock = lock_folder(folder)
    try:
        answer = form.send(name="Büro", openrouter_api_key="sk-canary")
        shown = form.send(name="Büro", htmx=True)
    finally:
        os.close(lock)

    assert (answer.status_code, shown.status_code) == (409, 409)
    assert all("Wait for its end" in text_of(each.text) for each in (answer, shown))
    assert 'value="Büro"' in answer.text and "canary" not in answer.text
    # With HTMX the form stays on the page.
    assert shown.headers["HX-Retarget"] == "#messages" and "<form" not in shown.text


def test_a_stale_form_is_rejected_with_the_changes_and_then_accepted(
    api: Api, deployment_id: str, folder: Path
) -> None:
    form = Form(api, deployment_id)
    edit_env(folder, TZ="Asia/Tokyo", DEPLOYMENT_NAME="Support", MINE="1")

    stale = form.send(name="Büro", memory_limit="1g")

    assert stale.status_code == 409
    words = text_of(stale.text)
    assert "somebody changed Name, MINE, Time zone" in words or all(
        each in words for each in ("Name", "MINE", "Time zone")
    )
    assert "Somebody changed this field to Support." in words
    assert env_of(folder)["DEPLOYMENT_NAME"] == "Support"
    form.read(stale.text)
    # Fields that the visitor changed are kept. Other fields show the file's values.
    assert (form.fields["name"], form.fields["memory_limit"]) == ("Büro", "1g")
    assert form.fields["timezone"] == "Asia/Tokyo"

    assert form.send().status_code == 303

    def saved() -> bool:
        env = env_of(folder)
        return (env["DEPLOYMENT_NAME"], env["TZ"], env["MEMORY_LIMIT"]) == (
            "Büro",
            "Asia/Tokyo",
            "1g",
        )

    eventually(saved)
    assert env_of(folder)["MINE"] == "1"


def test_a_hand_made_folder_is_changed_and_manual_steps_are_listed(
    api: Api, deployments_dir: Path
) -> None:
    older = deployments_dir / "0123456789"
    older.mkdir()
    text = f"PORT={free_port()}  # ours\r\nOPENCLAW_GATEWAY_TOKEN='a token'\r\n"
    (older / ".env").write_bytes(text.encode())
    (older / "docker-compose.yml").write_text("services: {openclaw: {image: x, ports: ['1:1']}}\n")

    form = Form(api, older.name)
    shown = text_of(form.send(at="/preview", htmx=True, timezone="UTC").text)
    assert "docker-compose.yml does not use TZ" in shown
    assert form.send(name="Old one").status_code == 303

    eventually(lambda: b"DEPLOYMENT_NAME='Old one'" in (older / ".env").read_bytes())
    assert (older / ".env").read_bytes().startswith(text.encode())


def test_a_gateway_with_outdated_settings_is_marked_with_the_keys(
    api: Api, engine: docker.APIClient, deployment_id: str, folder: Path
) -> None:
    run_container_of(engine, deployment_id)
    eventually(lambda: api.listed(deployment_id)["drift"] == [])
    assert "Apply…" not in api.page(f"/deployments/{deployment_id}").text

    # After a start by hand, only the files' times show that a file was changed.
    def edited() -> bool:
        edit_env(folder, TELEGRAM_BOT_TOKEN="canary:canary")
        return api.listed(deployment_id)["drift"] == [".env"]

    eventually(edited, every=0.5)

    assert "Not applied: .env" in text_of(api.page("/").text)
    page = api.page(f"/deployments/{deployment_id}").text
    assert "not applied: .env." in text_of(page) and "Apply…" in page
    assert "canary" not in page


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("0.0.0.0", 0))
        held.listen()
        yield held.getsockname()[1]


def test_a_launch_with_a_taken_port_offers_a_free_one_by_button(
    api: Api, deployment_id: str, folder: Path, listener: int
) -> None:
    edit_env(folder, PORT=str(listener))

    failed = api.launch(deployment_id)

    free = failed.json["free_port"]
    assert (failed.status_code, failed.json["cause"]) == (502, "port_taken")
    assert "on this host" in failed.json["detail"]
    assert f"use port {free}" in failed.json["detail"]
    page = api.page(f"/deployments/{deployment_id}").text
    assert f"Use port {free}" in page
    button = api.client.post(
        f"/deployments/{deployment_id}/edit/port", data={"port": str(free)}, base_url=BASE
    )
    assert button.status_code == 303
    eventually(lambda: api.status(deployment_id)["status"] == "running")
    status = api.status(deployment_id)
    assert (status["port"], status["drift"]) == (free, [])
    # The launch recorded the values that it applied, so the changed keys are known.
    edit_env(folder, TZ="Asia/Tokyo", DEPLOYMENT_NAME="Büro", OPENCLAW_MODEL="a/b")
    assert api.listed(deployment_id)["drift"] == ["Model", "Time zone"]


def test_the_command_line_changes_a_deployment(
    cli: CommandLine, api: Api, deployment_id: str, folder: Path
) -> None:
    secret = "OPENROUTER_API_KEY=sk-or-v1-canary\n"

    preview = cli.done("reconfigure", "Sales", "--set", "TZ=UTC", "--preview", typed=secret)
    assert "OpenRouter API key" in preview and "canary" not in preview
    assert env_of(folder)["TZ"] == "Europe/Berlin"
    done = cli.done(
        "reconfigure", "Sales", "--set", "TZ=UTC", "--remove", "telegram_bot_token", typed=secret
    )

    assert done.strip().endswith("changed.") and "canary" not in done
    env = env_of(folder)
    assert (env["TZ"], env["OPENROUTER_API_KEY"]) == ("UTC", "sk-or-v1-canary")
    assert "TELEGRAM_BOT_TOKEN" not in env
    again = cli.json("reconfigure", deployment_id, "--set", "TZ=UTC")
    assert (again["changed"], again["status"]) == ([], "configured")
    refused = cli.call("reconfigure", deployment_id, "--set", "port=0")
    assert (refused.exit_code, "port must be between" in refused.stderr) == (2, True)
    assert cli.call("reconfigure", deployment_id, "--undo").exit_code == 4
