"""Fingerprints and drift show which keys have changed, without any value."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.settings.fingerprints import (
    InvalidFingerprint,
    changed_since,
    drift_of,
    fingerprint_of,
    has_value,
    keys_affecting_gateway,
)
from tests.support.builders import a_container, a_deployment, before

KEY = b"key"
ENV = {"PORT": "30163", "OPENROUTER_API_KEY": "canary", "TZ": ""}
COMPOSE = "services:\n  # why\n  openclaw:\n    environment: {OPENROUTER_API_KEY: }\n"

variables = st.dictionaries(st.sampled_from(["PORT", "TZ", "A.b-c[0]", "Größe"]), st.text())


def test_comments_and_order_do_not_count_as_changes() -> None:
    mark = fingerprint_of(ENV, COMPOSE, KEY)

    assert changed_since(mark, dict(reversed(ENV.items())), f"# mine\n\n{COMPOSE}", KEY) == ()
    assert "canary" not in mark
    assert mark != fingerprint_of(ENV, COMPOSE, b"another key")


@given(variables, variables)
def test_exactly_the_differing_keys_are_returned(then: dict[str, str], now: dict[str, str]) -> None:
    differing = {key for key in then | now if then.get(key) != now.get(key)}

    assert set(changed_since(fingerprint_of(then, "", KEY), now, "", KEY)) == differing


def test_a_changed_compose_file_comes_last() -> None:
    mark = fingerprint_of(ENV, COMPOSE, KEY)

    changed = changed_since(mark, {**ENV, "TZ": "UTC"}, COMPOSE + "    init: true\n", KEY)

    assert changed == ("TZ", "docker-compose.yml")
    assert has_value(mark, "PORT", "30163", KEY)
    assert not has_value(mark, "PORT", "30164", KEY)


@pytest.mark.parametrize("text", ["", "PORT", "PORT: TZ:1", ":1", "a:1  b:2"])
def test_an_invalid_fingerprint_is_rejected(text: str) -> None:
    with pytest.raises(InvalidFingerprint):
        changed_since(text, ENV, COMPOSE, KEY)


def test_the_name_does_not_affect_the_container() -> None:
    keys = ("DEPLOYMENT_NAME", "OPENCLAW_MODEL", "OPENROUTER_API_KEY", "TZ", "docker-compose.yml")

    assert keys_affecting_gateway(keys, COMPOSE) == (
        "OPENCLAW_MODEL",
        "OPENROUTER_API_KEY",
        "docker-compose.yml",
    )
    assert keys_affecting_gateway(keys, "env_file: .env") == keys


def test_a_container_drifts_when_its_settings_change() -> None:
    deployment = a_deployment(applied_to="c0ffee", changed=("TZ",), env_at=before(0))

    assert drift_of(deployment, a_container()) == ("TZ",)
    assert drift_of(deployment, a_container(state="exited")) == ()
    assert drift_of(deployment, None) == ()
    assert drift_of(a_deployment(applied_to="c0ffee", env_at=before(0)), a_container()) == ()


def test_drift_of_a_manual_container_follows_the_files_times() -> None:
    made = a_container(id="by hand", created_at=before(100))
    older, newer = before(100) + timedelta(seconds=0.9), before(98)

    assert drift_of(a_deployment(env_at=older, compose_at=older), made) == ()
    assert drift_of(a_deployment(env_at=newer, compose_at=older), made) == (".env",)
    assert drift_of(a_deployment(env_at=older, compose_at=newer), made) == ("docker-compose.yml",)
