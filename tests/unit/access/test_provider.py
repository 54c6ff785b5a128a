"""Each answer of the provider gets a code and a text, and a next step after a failure."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.access.provider import (
    DEFAULT_BASE_URL,
    ProviderAnswer,
    interpret,
    read_reply,
    remarks_on,
)
from app.core.access.provider_catalogue import ANSWERS
from app.core.secrets import Masker

PROXY = "http://proxy.corp:8080/api/v1"


def heard(
    status: int | None = None, error: str = "", message: str = "", **more: Any
) -> ProviderAnswer:
    printed = {
        "baseUrl": PROXY,
        "model": "openrouter/standin/parrot",
        "status": status,
        "error": error,
        "message": message,
        "isApi": True,
        **more,
    }
    return interpret(read_reply(printed, Masker(())))


CODES = {each.code for each in ANSWERS}
TABLE: list[tuple[str, dict[str, Any], str, str]] = [
    ("accepted", {"status": 200}, "accepts the key", ""),
    ("key_missing", {"error": "NO_KEY"}, "no OpenRouter key", "OPENROUTER_API_KEY in .env"),
    (
        "other_provider",
        {"error": "OTHER_PROVIDER", "model": "openai/gpt"},
        "openai/gpt. Only OpenRouter keys can be checked here",
        "",
    ),
    (
        "address_invalid",
        {"error": "NO_URL", "baseUrl": "ftp://a"},
        "ftp://a is not an http",
        "baseUrl",
    ),
    ("address_invalid", {"error": "ERR_INVALID_URL"}, "is not an http", "baseUrl"),
    (
        "key_refused",
        {"status": 401, "message": "User not found."},
        "does not accept the key (401)",
        "whoever runs proxy.corp:8080, set OPENROUTER_API_KEY",
    ),
    ("no_credit", {"status": 402}, "no credit left (402)", "Add credit"),
    ("no_credit", {"status": 403, "message": "Key limit exceeded"}, "(403)", "raise the key's"),
    ("not_allowed", {"status": 403, "message": "moderation"}, "does not allow", "may use"),
    ("rate_limited", {"status": 429, "retryAfter": "7"}, "no more requests", "again in 7 s"),
    ("rate_limited", {"status": 429, "retryAfter": "<b>"}, "(429)", "again in a minute"),
    ("proxy_refused", {"status": 407}, "A proxy in front of proxy.corp:8080", "docker-compose.yml"),
    (
        "model_unknown",
        {"status": 400, "message": "x is not a valid model ID"},
        "has no model openrouter/standin/parrot (400)",
        "agents.defaults.model.primary",
    ),
    (
        "model_unknown",
        {"status": 404, "message": "No endpoints found for x."},
        "has no model",
        "https://openrouter.ai/models",
    ),
    (
        "model_unknown",
        {"status": 404, "message": "The model `x` does not exist"},
        "has no model",
        "ask again",
    ),
    (
        "model_not_allowed",
        {"status": 404, "message": "No endpoints found matching your data policy"},
        "privacy settings",
        "settings/privacy",
    ),
    ("address_wrong", {"status": 404}, "no OpenRouter API at", "/api/v1"),
    ("address_wrong", {"status": 405, "message": "Method Not Allowed"}, "(405)", "/api/v1"),
    ("redirected", {"status": 302}, "redirects to another address", "baseUrl"),
    ("not_the_api", {"status": 200, "isApi": False}, "but not like OpenRouter", "in a browser"),
    ("not_the_api", {"status": 204, "isApi": False}, "but not like OpenRouter", "in a browser"),
    ("answer_slow", {"status": 200, "error": "TIMEOUT"}, "did not finish", "faster model"),
    ("provider_down", {"status": 500}, "has a problem", "a few minutes"),
    ("provider_down", {"status": 503, "error": "TIMEOUT"}, "(503)", "status.openrouter.ai"),
    ("provider_down", {"status": 408}, "(408)", "a few minutes"),
    (
        "request_refused",
        {"status": 400, "message": "Provider returned error"},
        "(400)",
        "Read the provider's message",
    ),
    ("request_refused", {"status": 418}, "(418)", "Read the provider's message"),
    ("name_unknown", {"error": "ENOTFOUND"}, "can't resolve", "getent hosts proxy.corp"),
    ("name_unknown", {"error": "EAI_AGAIN"}, "DNS has no such name", "getent hosts"),
    ("connection_refused", {"error": "ECONNREFUSED"}, "Nothing listens", "correct the address."),
    (
        "connection_refused",
        {"error": "ECONNREFUSED", "baseUrl": "http://localhost:8080/v1"},
        "Nothing listens at localhost:8080",
        "localhost is the container itself",
    ),
    ("unreachable", {"error": "EHOSTUNREACH"}, "no route", "firewall"),
    ("unreachable", {"error": "UND_ERR_CONNECT_TIMEOUT"}, "no route", "firewall"),
    ("tls_refused", {"error": "SELF_SIGNED_CERT_IN_CHAIN"}, "trust", "NODE_EXTRA_CA_CERTS"),
    ("tls_refused", {"error": "DEPTH_ZERO_SELF_SIGNED_CERT"}, "trust", "NODE_EXTRA_CA_CERTS"),
    ("tls_refused", {"error": "ERR_TLS_CERT_ALTNAME_INVALID"}, "trust", "NODE_EXTRA_CA_CERTS"),
    ("tls_refused", {"error": "CERT_HAS_EXPIRED"}, "(CERT_HAS_EXPIRED)", "NODE_EXTRA_CA_CERTS"),
    ("tls_refused", {"error": "UNABLE_TO_VERIFY_LEAF_SIGNATURE"}, "trust", "company proxy"),
    ("tls_expected_none", {"error": "ERR_SSL_WRONG_VERSION_NUMBER"}, "not speak TLS", "http://"),
    ("provider_silent", {"error": "TIMEOUT"}, "no answer within 10 s", "drops the request"),
    ("cut_off", {"error": "ECONNRESET"}, "closed the connection", "firewall"),
    ("cut_off", {"error": "UND_ERR_SOCKET"}, "closed the connection", "firewall"),
    ("no_route", {"error": "EWHATEVER"}, "(EWHATEVER)", "Check the address"),
]


@pytest.mark.parametrize(("code", "given", "words", "step"), TABLE)
def test_each_reply_has_its_code_words_and_next_step(
    code: str, given: dict[str, Any], words: str, step: str
) -> None:
    answer = heard(**given)

    assert answer.code == code
    assert words in answer.words
    assert step in answer.next_step
    assert bool(answer.next_step) == (answer.accepted is False)


def test_the_table_covers_the_whole_catalogue() -> None:
    assert {row[0] for row in TABLE} == CODES


def test_openrouter_is_called_by_its_name() -> None:
    answer = heard(401, baseUrl=DEFAULT_BASE_URL)

    assert answer.words.startswith("OpenRouter does not accept")
    assert "https://openrouter.ai/keys" in answer.next_step


def test_the_providers_message_is_masked_plain_and_short() -> None:
    said = f"no\x1b[31m user\nfor sk-or-v1-secret {'x' * 900}"

    reply = read_reply({"status": 401, "message": said}, Masker(["sk-or-v1-secret"]))

    assert reply.message.startswith("no user for ••••••••")
    assert len(reply.message) <= 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["baseUrl", "model", "config", "key", "status", "error", "message", "isApi", "retryAfter"]
)


@given(st.dictionaries(NAMES, JSON))
def test_any_output_of_a_container_gets_an_answer(printed: dict[str, Any]) -> None:
    answer = interpret(read_reply(json.loads(json.dumps(printed)), Masker(())))

    assert answer.code in CODES
    assert answer.words


def remarks(env: dict[str, str], key: str = "hash", **printed: Any) -> str:
    usual = {"key": "hash", "keyFrom": "environment", "baseUrl": DEFAULT_BASE_URL}
    reply = read_reply({**usual, "model": "openrouter/auto", **printed}, Masker(()))
    return " ".join(remarks_on(reply, env, key))


def test_there_is_no_remark_if_the_gateway_matches_env() -> None:
    assert remarks({}) == ""
    assert remarks({"OPENROUTER_BASE_URL": f"{PROXY}/"}, baseUrl=PROXY) == ""
    assert remarks({"OPENCLAW_MODEL": "openrouter/auto"}) == ""


def test_a_key_that_differs_from_env_gets_a_remark() -> None:
    assert "Launch again" in remarks({}, key="other")
    assert "config/openclaw.json" in remarks({}, key="other", keyFrom="openclaw.json")


def test_an_address_or_model_that_differs_from_env_gets_a_remark() -> None:
    url = remarks({"OPENROUTER_BASE_URL": PROXY})
    assert DEFAULT_BASE_URL in url
    assert PROXY in url
    assert ".env has no other address" in remarks({}, baseUrl=PROXY)
    model = remarks({"OPENCLAW_MODEL": "openrouter/a/b"})
    assert "openrouter/auto" in model
    assert "openrouter/a/b" in model


def test_an_unreadable_config_and_a_proxy_get_remarks() -> None:
    assert "could not be read" in remarks({}, config=False)
    assert "proxy" in remarks({}, ownProxy=True)
