"""Settings come from the environment. An invalid setting is reported in one sentence."""

import os
import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.config import PROJECT, Settings, is_loopback, load_settings


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("DEPLOY_AGENT_")]:
        monkeypatch.delenv(name)


OF_ONES_OWN = {
    "HOST": "0.0.0.0",
    "PORT": "8123",
    "DEPLOYMENTS_DIR": "/srv/deployments",
    "IMAGE": "registry.example/openclaw:1",
    "PORT_RANGE": "20000-20009",
    "BIND_ADDRESS": "127.0.0.1",
    "SUBNET_POOL": "10.0.0.0/8",
    "PUBLIC_HOST": "gateways.example",
    "TRUSTED_PROXY": "127.0.0.9",
    "PROXY_USER_HEADER": "Remote-User",
    "ALLOWED_HOSTS": "a.example,b.example",
    "MEMORY_LIMIT": "3g",
    "ENGINE_TIMEOUT": "5",
    "LAUNCH_TIMEOUT": "60.5",
    "PULL_TIMEOUT": "61.0",
    "STOP_TIMEOUT": "62.0",
    "THREADS": "64",
    "REQUEST_RATE": "50",
    "WEBHOOK_URL": "https://hooks.example/services/canary-77",
    "PAGE_URL": "https://deploy.example",
    "LOG_LEVEL": "debug",
    "LOG_FORMAT": "json",
}
SET = {name: value for name, value in OF_ONES_OWN.items() if name.lower() in Settings.model_fields}


def test_every_setting_is_tested_here() -> None:
    assert {name.lower() for name in SET} == set(Settings.model_fields)


@pytest.mark.parametrize("name", SET)
def test_the_environment_sets_a_setting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"DEPLOY_AGENT_{name}", SET[name])

    field = name.lower()
    assert getattr(load_settings(), field) != Settings.model_fields[field].default
    others = set(Settings.model_fields) - {field}
    assert load_settings().model_dump(include=others) == Settings().model_dump(include=others)


@pytest.mark.parametrize(
    "url",
    ["canary-77", "ftp://hooks.example/canary-77", "https:///canary-77", "http://a:x/canary-77"],
)
def test_an_invalid_webhook_url_is_refused_without_repeating_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_AGENT_WEBHOOK_URL", url)

    with pytest.raises(SystemExit) as refused:
        load_settings()

    assert "DEPLOY_AGENT_WEBHOOK_URL" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_every_setting_passes_to_another_process_unchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in SET.items():
        monkeypatch.setenv(f"DEPLOY_AGENT_{name}", value)
    settings = load_settings()

    environment = settings.as_environment()

    # An operation sends no messages, so it does not get the webhook's URL.
    passed = {**SET, "WEBHOOK_URL": ""}
    assert environment == {f"DEPLOY_AGENT_{name}": value for name, value in passed.items()}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings.model_copy(update={"webhook_url": SecretStr("")})


def test_the_defaults_pass_to_another_process_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = load_settings()
    for name, value in defaults.as_environment().items():
        monkeypatch.setenv(name, value)

    assert load_settings() == defaults


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", ""),
        ("IMAGE", ""),
        ("IMAGE", "two words"),
        ("MEMORY_LIMIT", "lots"),
        ("BIND_ADDRESS", "example.org"),
        ("DEPLOYMENTS_DIR", ""),
        ("LAUNCH_TIMEOUT", "inf"),
        ("PORT_RANGE", "10000"),
        ("PORT_RANGE", "low-high"),
        ("PORT_RANGE", "10-9"),
        ("PORT_RANGE", "0-9"),
        ("PORT_RANGE", "10000-65536"),
        ("PORT_RANGE", "-"),
        ("SUBNET_POOL", "10.192.0.0/13"),
        ("SUBNET_POOL", "10.0.0.1/8"),
        ("SUBNET_POOL", "fd00::/8"),
        ("SUBNET_POOL", "pool"),
        ("ENGINE_TIMEOUT", "0"),
        ("ENGINE_TIMEOUT", "10"),
        ("ENGINE_TIMEOUT", "soon"),
        ("LAUNCH_TIMEOUT", "0"),
        ("LAUNCH_TIMEOUT", "nan"),
        ("PULL_TIMEOUT", "-1"),
        ("STOP_TIMEOUT", ""),
        ("THREADS", "7"),
        ("THREADS", "2049"),
        ("LOG_LEVEL", "loud"),
        ("LOG_LEVEL", "INFO"),
    ],
)
def test_a_bad_setting_is_named_in_one_sentence(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"DEPLOY_AGENT_{name}", value)

    with pytest.raises(SystemExit) as caught:
        load_settings()

    sentence = str(caught.value.code)
    assert sentence.startswith(f"DEPLOY_AGENT_{name} ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_a_bad_setting_ends_the_process_with_exit_code_1_and_one_sentence() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from app.config import load_settings; load_settings()"],
        cwd=PROJECT,
        env={**os.environ, "DEPLOY_AGENT_PORT": "http"},
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("DEPLOY_AGENT_PORT ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_relative_folder_is_relative_to_the_project() -> None:
    assert Settings(deployments_dir=Path("mine")).deployments_dir == PROJECT / "mine"
    assert Settings().deployments_dir == PROJECT / "deployments"


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_the_network_pool_and_port_range_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_AGENT_PORT_RANGE", " 20000 - 20009 ")
    monkeypatch.setenv("DEPLOY_AGENT_SUBNET_POOL", "172.16.0.0/12")

    assert load_settings().port_range == (20000, 20009)
    assert load_settings().subnet_pool == IPv4Network("172.16.0.0/12")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.20", False),
        ("", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
    ],
)
def test_only_loopback_addresses_count_as_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
