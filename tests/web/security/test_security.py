"""Protection of the page on loopback without log-in: host names, cross-site requests, headers."""

import io
import zipfile
from pathlib import Path

import pytest

from app import create_app
from app.config import Settings
from app.web.page.assets import assets
from tests.support.api import API_KEY, BASE, Api


@pytest.mark.parametrize("host", ["LOCALHOST", "localhost:8123", "127.0.0.1:1", "[::1]", "[::1]:8"])
def test_this_machines_own_names_open_the_page(api: Api, host: str) -> None:
    assert api.client.get("/", headers={"Host": host}, base_url="http://x").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", ""])
def test_a_foreign_host_name_is_refused(api: Api, host: str) -> None:
    for path in ("/", "/api/deploy/list", "/deployments/new"):
        answer = api.client.get(path, headers={"Host": host}, base_url="http://x")
        assert answer.status_code == 400, path


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://localhost:9"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_cross_site_change_is_refused(api: Api, headers: dict[str, str]) -> None:
    answer = api.post("configure", {"openrouter_api_key": API_KEY}, headers=headers)
    page = api.client.post("/deployments/new", base_url=BASE, headers=headers)

    assert answer.status_code == 403
    assert answer.json["code"] == "forbidden"
    assert page.status_code == 403
    assert api.get("list").json == []


def test_a_browsers_form_without_its_csrf_token_is_refused(api: Api) -> None:
    answer = api.client.post(
        "/deployments/new",
        data={"openrouter_api_key": API_KEY},
        base_url=BASE,
        headers={"Origin": BASE},
    )

    assert answer.status_code == 400
    assert "Reload the page" in answer.text
    assert api.get("list").json == []


def test_every_answer_carries_the_headers(api: Api) -> None:
    style = assets()["app.css"].file_name
    for path in ("/", "/deployments/new", "/api/deploy/list", "/nowhere", f"/assets/{style}"):
        headers = api.page(path, buffered=True).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Request-Id"]
    assert api.page("/").headers["Cache-Control"] == "no-store"


@pytest.fixture
def behind_a_proxy(settings: Settings) -> Api:
    """A server behind a trusted proxy with the address 127.0.0.9."""
    return Api(create_app(settings.model_copy(update={"trusted_proxy": "127.0.0.9"})))


@pytest.mark.parametrize(
    ("address", "sent", "believed"),
    [
        ("127.0.0.9", {"X-Forwarded-Proto": "https"}, True),
        ("127.0.0.9", {"X-Forwarded-Proto": "http"}, False),
        ("127.0.0.9", {}, False),
        ("127.0.0.1", {"X-Forwarded-Proto": "https"}, False),
        ("10.0.0.9", {"X-Forwarded-Proto": "https"}, False),
    ],
)
def test_behind_a_trusted_tls_proxy_hsts_is_sent(
    behind_a_proxy: Api, address: str, sent: dict[str, str], believed: bool
) -> None:
    for path in ("/login", "/nowhere", "/healthz"):
        answer = behind_a_proxy.page(path, headers=sent, environ_base={"REMOTE_ADDR": address})

        assert ("Strict-Transport-Security" in answer.headers) is believed
        cookies = answer.headers.getlist("Set-Cookie")
        assert all(("; Secure" in cookie) is believed for cookie in cookies)
        assert cookies or path != "/login"


def test_secrets_are_sent_only_when_revealed_and_each_reveal_is_recorded(api: Api) -> None:
    deployment_id = api.configure(slack_bot_token="xoxb-canary-0123456789")
    env = (api.app.config["CONTEXT"].store.folder(deployment_id) / ".env").read_text()
    token = env.partition("OPENCLAW_GATEWAY_TOKEN=")[2].partition("\n")[0]

    answers = [
        api.get("list").text,
        api.get(f"status/{deployment_id}").text,
        api.get("schema").text,
        api.page("/").text,
        api.page(f"/deployments/{deployment_id}").text,
    ]
    revealed = api.post(
        "reveal", {"deployment_id": deployment_id, "field": "openclaw_gateway_token"}
    )

    for answer in answers:
        assert API_KEY not in answer
        assert token not in answer
        assert "xoxb-canary" not in answer
    assert revealed.json == {"ok": True, "value": token}
    assert revealed.headers["Cache-Control"] == "no-store"
    folder = api.app.config["CONTEXT"].store.folder(deployment_id)
    history = (folder / ".deploy-agent" / "history.jsonl").read_text()
    assert '"what": "reveal"' in history
    assert "openclaw_gateway_token" in history
    assert token not in history


def test_an_internal_error_reaches_the_log_and_not_the_reader(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("canary-b3f1")

    monkeypatch.setattr(api.app.config["CONTEXT"].store, "scan", broken)

    answer, page = api.get("list"), api.page("/")

    for each in (answer, page):
        assert each.status_code == 500
        assert "canary" not in each.text
        assert each.headers["X-Request-Id"] in each.text
        assert each.headers["X-Request-Id"] in caplog.text
    assert "canary-b3f1" in caplog.text


def test_files_named_in_a_folders_files_are_never_read(
    api: Api, deployments_dir: Path, tmp_path: Path
) -> None:
    """A manual Compose file names other files, which must not be opened before a launch."""
    deployment_id = api.configure()
    outside = tmp_path / "outside.env"
    outside.write_text("CANARY_KEY=canary-include-7c\n")
    folder = deployments_dir / deployment_id
    (folder / "docker-compose.yml").write_text(
        f"include: [{outside}]\nservices:\n  openclaw:\n    image: x\n"
        f"    env_file: [../../outside.env, {outside}]\n    extends: {{file: {outside}}}\n"
    )
    (folder / "notes").symlink_to(outside)
    own = f"/deployments/{deployment_id}"
    ways = ("", "/edit", "/logs", "/logs.txt", "/history", "/token", "/bundle")

    answers = [api.page(f"{own}{way}") for way in ways]
    answers += [api.get(f"{call}/{deployment_id}") for call in ("status", "logs", "history")]
    answers += [
        api.page(f"/deployments/{deployment_id}{odd}") for odd in ("%2f..%2fx", "%00", "/..")
    ]

    for answer in answers:
        assert b"canary-include" not in answer.data
    with zipfile.ZipFile(io.BytesIO(answers[ways.index("/bundle")].data)) as bundle:
        assert bundle.namelist()
        for name in bundle.namelist():
            assert b"canary-include" not in bundle.read(name), name
