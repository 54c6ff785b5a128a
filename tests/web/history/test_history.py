"""The history for people and scripts: filters, pages and sentences. Also the support bundle."""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.core.settings.env_file import parse_env
from app.core.text import LONGEST_LINE
from app.store import history
from app.store.last_words import LastWords, save_last_words
from app.version import VERSION
from tests.support.api import API_KEY, BASE, Api
from tests.support.pages import csrf_token

NDJSON = {"Accept": "application/x-ndjson"}
GONE = {"container": "c0ffee000000", "last_at": "2026-11-23T09:00:01+00:00"}


@pytest.fixture
def deployment_id(api: Api, deployments_dir: Path) -> str:
    """A deployment that was configured today and has a crash entry of the day before."""
    made = api.configure(name="Support <b>bot</b>")
    folder = deployments_dir / made
    file = folder / ".deploy-agent/history.jsonl"
    entry = {"n": 0, "at": "2026-11-23T09:00:00+00:00", "what": "exited", "who": "the gateway"}
    file.write_text(json.dumps({**entry, **GONE, "code": 78}) + "\n" + file.read_text())
    return made


def entries(api: Api, path: str) -> list[dict[str, Any]]:
    answer = api.get(path)
    assert answer.status_code == 200, answer.text
    return list(answer.json["entries"])


def test_an_action_is_recorded_with_actor_and_source(api: Api, deployment_id: str) -> None:
    [configured, crashed] = entries(api, f"history/{deployment_id}")

    assert configured["what"] == "configure"
    assert (configured["who"], configured["from"]) == ("a local user", "127.0.0.1")
    assert configured["deployment_id"] == deployment_id
    assert (crashed["words"], crashed["kind"]) == ("Crashed with exit code 78", "gateway")
    assert crashed["from"] is None
    assert crashed["details"]["code"] == 78


def test_one_history_has_all_deployments_and_the_server_newest_first(
    api: Api, deployment_id: str, deployments_dir: Path
) -> None:
    another = api.configure()
    history.record(deployments_dir, "add_user", "ana", user="ben")

    found = entries(api, "history")

    assert [(each["deployment_id"], each["what"]) for each in found] == [
        (None, "add_user"),
        (another, "configure"),
        (deployment_id, "configure"),
        (deployment_id, "exited"),
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("kind=gateway", ["exited"]),
        ("day=2026-11-23", ["exited"]),
        ("day=2026-11-22", []),
        ("who=a+local+user", ["configure"]),
        ("who=nobody", []),
        ("kind=change&day=2026-11-23", []),
    ],
)
def test_the_history_is_filtered(
    api: Api, deployment_id: str, asked: str, expected: list[str]
) -> None:
    assert [each["what"] for each in entries(api, f"history?{asked}")] == expected
    assert [each["what"] for each in entries(api, f"history/{deployment_id}?{asked}")] == expected
    page = api.page(f"/history?{asked}")
    assert page.status_code == 200
    assert ("Crashed" in page.text) == ("exited" in expected)


@pytest.mark.parametrize(
    ("asked", "field"),
    [("day=soon", "day"), ("kind=dance", "kind"), ("before=x", "before"), ("limit=0", "limit")],
)
def test_invalid_filters_are_named(api: Api, asked: str, field: str) -> None:
    answer = api.get(f"history?{asked}")

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json["errors"]] == [field]


def test_an_unknown_deployment_has_no_history(api: Api, deployment_id: str, tmp_path: Path) -> None:
    assert api.get("history/0000000000").status_code == 404
    assert api.get("history?deployment=0000000000").status_code == 404
    for no_id in ("..", f"{deployment_id}/../{deployment_id}", f"{tmp_path}", "%00"):
        assert api.get(f"history?deployment={no_id}").status_code == 404, no_id
    assert api.page("/deployments/0000000000/history").status_code == 404


def test_pages_lose_and_repeat_nothing(api: Api, deployment_id: str, deployments_dir: Path) -> None:
    for number in range(25):
        history.record(deployments_dir / deployment_id, "reveal", "ana", field=str(number))
        history.record(deployments_dir, "set_password", "ana", user=str(number))
    whole = [each["id"] for each in entries(api, "history?limit=1000")]

    seen, path = [], "/api/deploy/history?limit=7"
    while path:
        answer = api.client.get(path, base_url=BASE)
        seen += [each["id"] for each in answer.json["entries"]]
        path = answer.json["next"]
        assert ("Link" in answer.headers) == bool(path)

    assert seen == whole
    assert len(set(seen)) == 52


def test_a_rare_entry_is_found_far_back(
    api: Api, deployment_id: str, deployments_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.usecases.history.history._MOST_READ", 5)
    for number in range(25):
        history.record(deployments_dir / deployment_id, "reveal", "ana", field=str(number))

    # Parameter names that `url_for` treats specially are plain filters here.
    path = "/api/deploy/history?kind=gateway&endpoint=x&_method=X&_scheme=javascript"
    found, pages = [], 0
    while path and pages < 10:
        answer = api.client.get(path, base_url=BASE)
        found += [each["what"] for each in answer.json["entries"]]
        path, pages = answer.json["next"], pages + 1

    assert (found, path) == (["exited"], None)


def test_json_lines_have_the_same_entries(api: Api, deployment_id: str) -> None:
    lines = api.get(f"history/{deployment_id}", headers=NDJSON)

    assert lines.content_type == "application/x-ndjson"
    found = [json.loads(line) for line in lines.text.splitlines()]
    assert found == entries(api, f"history/{deployment_id}")


def test_the_pages_show_words_and_links(
    api: Api, deployment_id: str, deployments_dir: Path
) -> None:
    for number in range(120):
        history.record(deployments_dir / deployment_id, "reveal", f"<i>{number}</i>", field="x")

    own = api.page(f"/deployments/{deployment_id}")
    whole = api.page(f"/deployments/{deployment_id}/history")
    everybody = api.page("/history")

    assert own.text.count('id="timeline-') == 20 + 1
    assert f'href="/deployments/{deployment_id}/history">Older' in own.text
    assert "<i>" not in own.text + whole.text + everybody.text
    assert "Support &lt;b&gt;bot&lt;/b&gt;" in everybody.text
    assert f'href="/deployments/{deployment_id}"' in everybody.text
    assert '<a href="/history">History</a>' in own.text
    [older] = re.findall(r'href="([^"]+)" rel="next"', whole.text)
    last = api.page(older.replace("&amp;", "&"))
    assert "Crashed with exit code 78" in last.text
    assert "Configured" in last.text
    assert last.text.count("<li ") == 22


def test_a_bundle_has_everything_but_secrets(api: Api, deployments_dir: Path) -> None:
    canaries = [API_KEY, "xoxb-canary-1111111111111111", "https://u:canary-pass-22@proxy.example"]
    deployment_id = api.configure(
        image="deploy-agent-standin:leak-token", slack_bot_token=canaries[1], name="Support bot"
    )
    folder = deployments_dir / deployment_id
    compose_file = folder / "docker-compose.yml"
    compose_file.write_text(
        compose_file.read_text().replace(
            "    environment:\n", "    environment:\n      MY_SECRET: canary-by-hand-3\n"
        )
    )
    env = folder / ".env"
    token = parse_env(env.read_bytes())["OPENCLAW_GATEWAY_TOKEN"]
    env.write_text(env.read_text() + f"HTTPS_PROXY={canaries[2]}\nMY_API_KEY=canary-env-4\n")
    api.launch(deployment_id)
    log = (
        f"gateway: listening, Bearer {canaries[1]}, sk-ant-api03-canary-5555555555 #token=abcdef6\n"
    )
    # A secret at the point where a long line is cut.
    log += f"{'x' * (LONGEST_LINE - 6)}canary-pass-22\n"
    save_last_words(folder, LastWords("2026-11-24T09:00:00+00:00", 1, "", log))
    csrf = csrf_token(api.page("/deployments/new").text)
    api.client.post(
        f"/deployments/{deployment_id}/reveal", data={"csrf_token": csrf}, base_url=BASE
    )
    # The running gateway still has the key that was removed from `.env`.
    env.write_text(env.read_text().replace(API_KEY, "sk-or-v1-another-0000000000000"))

    answer = api.page(f"/deployments/{deployment_id}/bundle")

    assert answer.status_code == 200
    assert answer.content_type == "application/zip"
    assert f"deployment-{deployment_id}.zip" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        files = {name.partition("/")[2]: archive.read(name).decode() for name in archive.namelist()}
    assert {"deployment.json", "history.jsonl", "log.txt", "env.txt", "versions.json"} <= set(files)
    assert {"operations/1.log", "operations/1.json", "last-words/1.log"} <= set(files)
    everything = "\n".join(files.values())
    for secret in (
        *canaries,
        token,
        "canary",
        "abcdef6",
        "canary-by-hand",
        "canary-env",
        "sk-or-v1-ano",
    ):
        assert secret not in everything, secret
    assert "DEPLOYMENT_NAME=Support bot" in files["env.txt"]
    assert "MY_API_KEY=•" in files["env.txt"]
    assert "MY_SECRET: •" in files["docker-compose.yml"]
    assert "listening" in files["log.txt"]
    assert "listening" in files["last-words/1.log"]
    assert json.loads(files["deployment.json"])["status"] == "running"
    assert json.loads(files["versions.json"])["engine"]["Version"]
    assert json.loads(files["versions.json"])["deploy_agent"] == VERSION
