"""The provider check runs inside the gateway, shows its result as text, and blocks nothing."""

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app import create_app
from app.config import Settings
from app.core.access.provider import ASK_SECONDS
from app.store.history import read_history
from app.usecases.access import provider_check as usecase
from demo.provider import Provider, bridge_address
from tests.support.api import API_KEY, BASE, Api
from tests.support.engine.containers import containers_of
from tests.support.files.env_edits import edit_env
from tests.support.pages import HTMX, csrf_token
from tests.support.provider_check import check_provider, last_check
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("preloaded_operations")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


def launched(api: Api, provider: Provider | None = None, **fields: Any) -> str:
    if provider:
        fields["openrouter_base_url"] = provider.base_url
    deployment_id = api.configure(**fields)
    answer = api.launch(deployment_id)
    assert answer.status_code == 200, answer.text
    return deployment_id


def set_base_url(folder: Path, url: str) -> None:
    path = folder / "config" / "openclaw.json"
    config = json.loads(path.read_text())
    config["models"] = {"providers": {"openrouter": {"baseUrl": url, "models": []}}}
    path.write_text(json.dumps(config))


def test_the_provider_is_asked_automatically_once_after_a_launch(
    api: Api, provider: Provider
) -> None:
    deployment_id = launched(api, provider)
    page = f"/deployments/{deployment_id}"
    assert provider.chats == []

    api.page(page)
    answer = eventually(lambda: last_check(api, deployment_id))
    for _ in range(3):
        text = api.page(page).text

    assert answer["code"] == "accepted"
    assert answer["accepted"] is True
    assert answer["current"] is True
    assert answer["remarks"] == []
    assert "accepts the key" in text
    [chat] = provider.chats
    assert chat.authorization == f"Bearer {API_KEY}"
    assert chat.model == "openrouter/auto"
    assert chat.body["max_tokens"] == 16


def test_the_answer_survives_a_server_restart_without_another_request(
    api: Api, provider: Provider, settings: Settings
) -> None:
    deployment_id = launched(api, provider)
    before = check_provider(api, deployment_id)

    again = Api(create_app(settings))
    again.page(f"/deployments/{deployment_id}")

    assert last_check(again, deployment_id) == before
    time.sleep(0.5)
    assert len(provider.chats) == 1

    api.launch(deployment_id)
    assert last_check(again, deployment_id)["current"] is False
    eventually(lambda: last_check(again, deployment_id)["current"])
    assert len(provider.chats) == 2


FAULTS = [
    ("401", "key_refused", "does not accept the key (401)"),
    ("402", "no_credit", "no credit left (402)"),
    ("403", "no_credit", "no credit left (403)"),
    ("404", "model_not_allowed", "privacy settings do not allow it (404)"),
    ("429", "rate_limited", "no more requests"),
    ("400", "request_refused", "(400)"),
    ("500", "provider_down", "has a problem"),
    ("502", "provider_down", "has a problem"),
    ("cut", "cut_off", "closed the connection"),
    ("html", "not_the_api", "but not like OpenRouter"),
    ("redirect", "redirected", "redirects to another address (302)"),
    ("late-error", "provider_down", "(502)"),
    ("echo-key", "key_refused", "(401)"),
]


def test_each_refusal_is_shown_and_the_status_stays_running(
    api: Api, provider: Provider, deployments_dir: Path
) -> None:
    deployment_id = launched(api, provider)
    for fault, code, words in FAULTS:
        provider.fault = fault

        answer = check_provider(api, deployment_id)

        assert answer["code"] == code, fault
        assert words in answer["words"]
        assert answer["accepted"] is False
        assert answer["next_step"]
        page = api.page(f"/deployments/{deployment_id}").text
        assert f'data-answer="{code}"' in page
        assert words in page
        assert API_KEY not in page
        status = api.status(deployment_id)
        assert status["status"] == "running"
        assert len(status["ladder"]) == 7
    history = read_history(deployments_dir / deployment_id)
    outcomes = [entry["code"] for entry in history if entry["what"] == "ask provider"]
    assert outcomes == [code for _, code, _ in FAULTS]
    for path in (deployments_dir / deployment_id / ".deploy-agent").rglob("*"):
        assert path.is_dir() or API_KEY.encode() not in path.read_bytes()


def test_a_wrong_key_and_a_wrong_model_have_different_answers(api: Api, provider: Provider) -> None:
    wrong_key = launched(api, provider, openrouter_api_key="sk-or-v1-wrong")
    wrong_model = launched(api, provider, model="openrouter/no/such")

    assert check_provider(api, wrong_key)["code"] == "key_refused"
    answer = check_provider(api, wrong_model)

    assert answer["code"] == "model_unknown"
    assert "openrouter/no/such" in answer["words"]
    assert provider.chats[-1].model == "no/such"


def test_an_unreachable_provider_is_reported_with_the_cause(
    api: Api, provider: Provider, deployments_dir: Path, tmp_path: Path
) -> None:
    deployment_id = launched(api, provider)
    folder = deployments_dir / deployment_id
    with socket.socket() as closed:
        closed.bind((bridge_address(), 0))
        port = closed.getsockname()[1]
        set_base_url(folder, f"http://{bridge_address()}:{port}/api/v1")
        refused = check_provider(api, deployment_id)
    set_base_url(folder, "http://no-such-name.invalid/api/v1")
    nameless = check_provider(api, deployment_id)
    set_base_url(folder, provider.base_url.replace("http:", "https:"))
    plain = check_provider(api, deployment_id)
    set_base_url(folder, f"{provider.base_url}/typo")
    wrong = check_provider(api, deployment_id)
    with Provider(tls=_self_signed(tmp_path)) as encrypted:
        set_base_url(folder, encrypted.base_url)
        distrusted = check_provider(api, deployment_id)

    assert refused["code"] == "connection_refused"
    assert nameless["code"] == "name_unknown"
    assert plain["code"] == "tls_expected_none"
    assert wrong["code"] == "address_wrong"
    assert distrusted["code"] == "tls_refused"
    assert any("openrouter.baseUrl" in each for each in refused["remarks"])
    assert api.status(deployment_id)["status"] == "running"


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encoding, encryption = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, encryption)
    path = folder / "provider.pem"
    path.write_bytes(private + certificate.public_bytes(encoding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize(
    ("fault", "code"), [("hang", "provider_silent"), ("hang-body", "answer_slow")]
)
def test_a_hanging_provider_blocks_nothing_and_ends_at_the_deadline(
    api: Api, provider: Provider, monkeypatch: pytest.MonkeyPatch, fault: str, code: str
) -> None:
    monkeypatch.setattr(usecase, "ASK_SECONDS", 2)
    provider.fault = fault
    deployment_id = launched(api, provider)

    page = api.page(f"/deployments/{deployment_id}")
    while_asking = api.get(f"answer/{deployment_id}").json
    status = api.status(deployment_id)
    answer = eventually(lambda: last_check(api, deployment_id))

    assert "being asked" in page.text
    assert (while_asking["answer"], while_asking["asking"]) == (None, True)
    assert status["status"] == "running"
    assert answer["code"] == code
    assert ASK_SECONDS < usecase.WAIT_SECONDS


def test_the_key_is_in_no_argument_and_no_log(
    api: Api, provider: Provider, engine: docker.APIClient
) -> None:
    provider.fault = "hang"
    deployment_id = launched(api, provider)
    api.page(f"/deployments/{deployment_id}")
    eventually(lambda: provider.chats)

    [container] = containers_of(engine, deployment_id)
    execs = engine.inspect_container(container["Id"])["ExecIDs"]
    inspected = json.dumps([engine.exec_inspect(each) for each in execs])
    arguments = _all_arguments()

    assert any("ASK_NONCE" in each for each in arguments), "the script itself was recorded"
    assert not any(API_KEY in each for each in arguments)
    assert API_KEY not in inspected
    assert API_KEY not in api.get(f"logs/{deployment_id}").text
    assert API_KEY not in api.get(f"answer/{deployment_id}").text


def _all_arguments() -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            found.append("\0".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def test_concurrent_checks_of_a_gateway_share_one_request(api: Api, provider: Provider) -> None:
    deployment_id = launched(api, provider)
    provider.fault = "hang"
    page = f"/deployments/{deployment_id}"
    api.page(page)
    eventually(lambda: provider.chats)

    token = csrf_token(api.page(page).text)
    clicked = api.client.post(
        f"{page}/answer", data={"csrf_token": token}, headers=HTMX, base_url=BASE
    )

    assert clicked.status_code == 204
    assert "being asked" in clicked.headers["HX-Trigger"]
    assert len(provider.chats) == 1
    provider.ended.set()
    assert eventually(lambda: last_check(api, deployment_id))["code"] == "cut_off"


def test_the_button_asks_and_returns_to_the_page(
    api: Api, provider: Provider, deployments_dir: Path
) -> None:
    deployment_id = launched(api, provider)
    page = f"/deployments/{deployment_id}"
    token = csrf_token(api.page(page).text)
    eventually(lambda: last_check(api, deployment_id))
    # The answer is saved before its check ends, and a click meanwhile would join that check.
    eventually(lambda: not api.get(f"answer/{deployment_id}").json["asking"])

    answer = api.client.post(f"{page}/answer", data={"csrf_token": token}, base_url=BASE)

    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    eventually(lambda: len(provider.chats) == 2)
    history = deployments_dir / deployment_id
    eventually(lambda: [e["who"] for e in read_history(history) if e["what"] == "ask provider"][1:])
    without_token = api.client.post(f"{page}/answer", headers={"Origin": BASE}, base_url=BASE)
    assert without_token.status_code == 400


def test_a_key_edited_after_the_launch_gets_a_remark(
    api: Api, provider: Provider, deployments_dir: Path
) -> None:
    deployment_id = launched(api, provider, openrouter_api_key="sk-or-v1-mistyped")
    edit_env(deployments_dir / deployment_id, OPENROUTER_API_KEY=API_KEY)

    answer = check_provider(api, deployment_id)

    assert answer["code"] == "key_refused"
    assert any("Launch again" in remark for remark in answer["remarks"])
    api.launch(deployment_id)
    answer = check_provider(api, deployment_id)
    assert (answer["code"], answer["remarks"]) == ("accepted", [])


def test_a_model_of_another_provider_is_not_checked(api: Api, provider: Provider) -> None:
    deployment_id = launched(api, provider, model="anthropic/claude")

    answer = check_provider(api, deployment_id)

    assert (answer["code"], answer["accepted"]) == ("other_provider", None)
    assert provider.asked == []


def test_a_stopped_gateway_is_not_checked(api: Api, provider: Provider) -> None:
    deployment_id = api.configure(openrouter_base_url=provider.base_url)

    answer = api.post("answer", {"deployment_id": deployment_id})

    assert answer.status_code == 409
    assert answer.json["code"] == "gateway_not_running"
    assert api.get(f"answer/{deployment_id}").json["answer"] is None
    page = api.page(f"/deployments/{deployment_id}").text
    assert re.search(r'<section id="answer"[^>]* hidden>\s*</section>', page)
    assert api.post("answer", {"deployment_id": "0123456789"}).status_code == 404
    assert api.post("answer", {}).status_code == 422


def test_a_paused_gateway_is_reported_as_paused(
    api: Api, provider: Provider, engine: docker.APIClient
) -> None:
    deployment_id = launched(api, provider)
    [container] = containers_of(engine, deployment_id)
    engine.pause(container["Id"])

    answer = api.post("answer", {"deployment_id": deployment_id})

    engine.unpause(container["Id"])
    assert answer.status_code == 409
    assert answer.json["code"] == "gateway_not_running"
