"""The form for a new deployment over HTTP: checks, preview, form id, and clones."""

import errno
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path

import psutil
import pytest
from werkzeug.test import TestResponse

from app.core.settings.env_file import parse_env
from tests.support.api import API_KEY, BASE, Api
from tests.support.pages import HTMX
from tests.support.server import free_port

BOT = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw4"
FORM = "/deployments/new"


def send(api: Api, path: str = FORM, *, htmx: bool = False, **fields: str) -> TestResponse:
    headers = HTMX if htmx else {}
    return api.client.post(path, data=fields, base_url=BASE, headers=headers)


def said_of(api: Api, **field: str) -> str:
    """Return the message for a field after the visitor left the field."""
    answer = send(api, f"{FORM}/check", htmx=True, **field)
    assert answer.status_code == 200
    assert "HX-Request" in answer.headers["Vary"]
    return text_of(answer.text)


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html)).strip()


def id_of(page: str) -> str:
    found = re.search(r'name="id" value="([0-9a-f]{10})"', page)
    assert found
    return found[1]


def files_of(preview: str) -> list[str]:
    return [text_of(each) for each in re.findall(r"<pre[^>]*>(.*?)</pre>", preview, re.DOTALL)]


def history_of(folder: Path) -> list[dict[str, object]]:
    lines = (folder / ".deploy-agent/history.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_field_check_says_what_configuring_would_say(api: Api) -> None:
    taken = api.listed(api.configure(name="Support bot"))["port"]

    assert said_of(api, port="http") == "It must be a whole number."
    assert "the deployment Support bot" in said_of(api, port=str(taken))
    assert said_of(api, port=str(free_port())) == ""
    assert said_of(api, openrouter_api_key="") == "It is needed."
    assert said_of(api, name="") == ""
    assert said_of(api, colour="red") == "It is not a field of a deployment."
    assert said_of(api) == "It is not a field of a deployment."


def test_a_field_check_warns_about_what_this_host_lacks(api: Api) -> None:
    beyond = psutil.virtual_memory().total // 2**30 + 1

    assert said_of(api, memory_limit=f"{beyond}g") == "This is more memory than the host has."
    assert said_of(api, memory_limit="1g") == ""
    assert said_of(api, bind_address="192.0.2.7") == "This host has no such address now."
    assert said_of(api, bind_address="127.0.0.1") == said_of(api, bind_address="0.0.0.0") == ""


def test_a_bot_of_another_gateway_is_accepted_with_a_warning(api: Api) -> None:
    body = {"openrouter_api_key": API_KEY, "telegram_bot_token": BOT}

    first = api.post("configure", {**body, "name": "Support bot"})
    said = said_of(api, telegram_bot_token=BOT)
    second = api.post("configure", body)
    page = api.client.post(FORM, data=body, base_url=BASE, follow_redirects=True)

    assert first.json["warnings"] == []
    assert said.startswith("This Telegram bot is already used by “")
    assert "“Support bot”" in said
    assert [each["field"] for each in second.json["warnings"]] == ["telegram_bot_token"]
    assert "This Telegram bot is already used by" in page.text
    assert BOT not in said + second.text + page.text
    # Several gateways may use the same API key.
    assert said_of(api, openrouter_api_key=API_KEY) == ""


@pytest.mark.parametrize("path", [FORM, f"{FORM}/check", f"{FORM}/preview"])
@pytest.mark.parametrize("htmx", [True, False])
def test_no_response_repeats_a_secret(api: Api, path: str, htmx: bool) -> None:
    canaries = {
        "openrouter_api_key": "sk-canary-1\n",
        "telegram_bot_token": "canary-2",
        "port": "0",
    }
    for sent in (canaries, {"telegram_bot_token": "canary-2"}):
        answer = send(api, path, htmx=htmx, **sent)

        assert answer.status_code in (200, 422)
        assert "canary" not in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert ("<!doctype html>" in answer.text) is not htmx


def test_the_preview_equals_the_written_files(api: Api, deployments_dir: Path) -> None:
    port = str(free_port())
    fields = {
        "id": id_of(api.page(FORM).text),
        "openrouter_api_key": API_KEY,
        "name": "Büro's $HOME #1",
        "model": "openai/gpt-6-astra",
        "port": port,
    }

    fragment = send(api, f"{FORM}/preview", htmx=True, **fields)
    page = send(api, f"{FORM}/preview", **fields)
    send(api, **fields)

    assert fragment.headers["Vary"] == page.headers["Vary"]
    folder = deployments_dir / fields["id"]
    written = [folder / name for name in (".env", "docker-compose.yml", "config/openclaw.json")]
    token = parse_env(written[0].read_bytes())["OPENCLAW_GATEWAY_TOKEN"]
    expected = [
        path.read_text().replace(API_KEY, "••••••••").replace(token, "made when configured").strip()
        for path in written
    ]
    assert files_of(fragment.text) == files_of(page.text) == expected


def test_the_preview_leaves_out_invalid_values_and_says_so(api: Api) -> None:
    answer = send(api, f"{FORM}/preview", htmx=True, port="99999", name="Sales")

    assert "Not shown until corrected: Port." in answer.text
    env, compose_file, config = files_of(answer.text)
    assert "PORT=a free port" in env
    assert "OPENROUTER_API_KEY=needed" in env
    assert "DEPLOYMENT_NAME=Sales" in env
    assert "subnet: the network of its port" in compose_file
    assert "http://localhost:a free port" in config
    assert api.get("list").json == []


def test_a_form_sent_twice_makes_one_deployment(api: Api) -> None:
    fields = {"id": id_of(api.page(FORM).text), "openrouter_api_key": API_KEY, "configure": "yes"}
    clients = [Api(api.app) for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda each: send(each, **fields), clients))
    again = api.client.post(FORM, data=fields, base_url=BASE, follow_redirects=True)

    [listed] = api.get("list").json
    assert (listed["deployment_id"], listed["status"]) == (fields["id"], "configured")
    assert {answer.status_code for answer in answers} == {303}
    assert {answer.headers["Location"] for answer in answers} == {f"/deployments/{fields['id']}"}
    assert "This form was already sent" in again.text


def test_an_htmx_form_redirects_or_is_rejected_in_place(api: Api) -> None:
    rejected = send(api, htmx=True, openrouter_api_key=API_KEY, port="0")
    made = send(api, htmx=True, openrouter_api_key=API_KEY)

    assert rejected.status_code == 422
    assert rejected.text.lstrip().startswith('<section id="configure"')
    assert "typed again" not in rejected.text
    [listed] = api.get("list").json
    assert made.status_code == 204
    assert made.headers["HX-Redirect"] == f"/deployments/{listed['deployment_id']}"


def test_a_deployment_is_cloned_over_the_api(api: Api, deployments_dir: Path) -> None:
    source = api.configure(
        name="Support bot",
        timezone="Europe/Berlin",
        telegram_bot_token=BOT,
        brave_api_key="brave-1",
    )

    def another(**more: object) -> dict[str, str]:
        answer = api.post("configure", {"like": source, **more})
        assert answer.status_code == 200, answer.text
        return parse_env((deployments_dir / answer.json["deployment_id"] / ".env").read_bytes())

    theirs = parse_env((deployments_dir / source / ".env").read_bytes())
    alone = another(openrouter_api_key="sk-or-v1-other")
    whole = another(copy_secrets=True, timezone="UTC", name="")
    taken = another(copy_secrets=True, copy_channels=True, brave_api_key="brave-2")

    assert alone["DEPLOYMENT_NAME"] == "Support bot 2"
    assert alone["TZ"] == "Europe/Berlin"
    assert alone["OPENROUTER_API_KEY"] == "sk-or-v1-other"
    assert not {"BRAVE_API_KEY", "TELEGRAM_BOT_TOKEN"} & alone.keys()
    for each in (alone, whole, taken):
        assert each["PORT"] != theirs["PORT"]
        assert each["OPENCLAW_GATEWAY_TOKEN"] != theirs["OPENCLAW_GATEWAY_TOKEN"]
    assert whole["OPENROUTER_API_KEY"] == API_KEY
    assert whole["BRAVE_API_KEY"] == "brave-1"
    assert whole["TZ"] == "UTC"
    assert not {"DEPLOYMENT_NAME", "TELEGRAM_BOT_TOKEN"} & whole.keys()
    assert taken["TELEGRAM_BOT_TOKEN"] == BOT
    assert taken["BRAVE_API_KEY"] == "brave-2"
    records = [each for each in history_of(deployments_dir / source) if each["what"] != "configure"]
    assert [each["fields"] for each in records] == [
        ["openrouter_api_key", "brave_api_key"],
        ["openrouter_api_key", "telegram_bot_token"],
    ]
    assert {each["what"] for each in records} == {"copy_secrets"}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"like": "0123456789"}, 404, None),
        ({"like": "../etc"}, 404, None),
        ({"like": None}, 404, None),
        ({"copy_secrets": True}, 422, "copy_secrets"),
        ({"like": "0123456789", "copy_secrets": "yes"}, 422, "copy_secrets"),
        ({"like": "0123456789", "copy_channels": 1}, 422, "copy_channels"),
    ],
)
def test_an_invalid_clone_source_is_named_and_nothing_is_made(
    api: Api, body: dict[str, object], status: int, field: str | None
) -> None:
    answer = api.post("configure", {"openrouter_api_key": API_KEY, **body})

    assert answer.status_code == status
    assert field is None or field in [error["field"] for error in answer.json["errors"]]
    assert api.get("list").json == []


def test_the_form_of_a_clone_has_no_secret(api: Api, deployments_dir: Path) -> None:
    source = api.configure(name="Support bot", telegram_bot_token=BOT, timezone="Europe/Berlin")
    with (deployments_dir / source / ".env").open("a") as env:
        env.write("HTTP_PROXY=http://me:secret-77@proxy:3128\n")

    page = api.page(f"{FORM}?like={source}")
    rejected = send(api, like=source, copy_secrets="yes", name="Sales", port="0")
    made = send(api, like=source, copy_secrets="yes", openrouter_api_key="", name="Sales", model="")

    assert 'value="Support bot 2"' in page.text
    assert 'value="Europe/Berlin"' in page.text
    assert "such as HTTP_PROXY" in page.text
    assert re.search(r'name="copy_secrets" value="yes" checked', rejected.text)
    for answer in (page, rejected):
        assert not any(secret in answer.text for secret in (API_KEY, BOT, "secret-77"))
    env = parse_env((deployments_dir / made.headers["Location"][-10:] / ".env").read_bytes())
    assert env["OPENROUTER_API_KEY"] == API_KEY
    assert env["DEPLOYMENT_NAME"] == "Sales"
    assert "TELEGRAM_BOT_TOKEN" not in env


def test_secrets_are_not_copied_if_that_cannot_be_recorded(api: Api, deployments_dir: Path) -> None:
    source = api.configure()
    history = deployments_dir / source / ".deploy-agent/history.jsonl"
    history.unlink()
    history.mkdir()

    answer = api.post("configure", {"like": source, "copy_secrets": True})

    assert answer.status_code == 507
    assert [each["deployment_id"] for each in api.get("list").json] == [source]


def test_input_is_kept_if_nothing_can_be_written(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "rename", full)
    typed = {"name": "Büro", "openrouter_api_key": API_KEY}
    answer = api.client.post(FORM, data=typed, base_url=BASE)
    fragment = api.client.post(FORM, data=typed, base_url=BASE, headers=HTMX)

    assert (answer.status_code, fragment.status_code) == (507, 507)
    assert all("The disk is full." in each.text for each in (answer, fragment))
    assert 'value="Büro"' in answer.text and API_KEY not in answer.text
    # With HTMX the form stays on the page.
    assert fragment.headers["HX-Retarget"] == "#messages" and "<form" not in fragment.text


def test_a_folder_without_settings_cannot_be_cloned(api: Api, deployments_dir: Path) -> None:
    source = api.configure()
    (deployments_dir / source / ".env").write_text("")

    assert api.page(f"{FORM}?like={source}").status_code == 409
    assert api.page(f"{FORM}?like=0123456789").status_code == 404


def test_a_form_shows_the_choices(api: Api) -> None:
    page = api.page(FORM).text

    for value in ("Europe/Berlin", "openrouter/auto", "deploy-agent-standin:latest", "127.0.0.1"):
        assert f'<option value="{value}">' in page
    assert re.search(r"Room for about \d+ more gateway", page)
