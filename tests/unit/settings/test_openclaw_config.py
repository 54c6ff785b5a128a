"""`config/openclaw.json`: its first content, and the changes by a launch."""

import copy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.settings.openclaw_config import (
    TOKEN_REFERENCE,
    ConfigUnreadable,
    format_config,
    origins_in,
    parse_config,
    seed_config,
    token_in,
    with_origin,
    with_port,
    with_settings,
    with_token,
)

ENV = {"PORT": "30163", "OPENCLAW_GATEWAY_TOKEN": "t0ken"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(), json_values, max_size=4)
configs = objects | st.builds(
    lambda rest, gateway, auth: {**rest, "gateway": {**gateway, "auth": auth}},
    objects,
    objects,
    objects | json_values,
)


def test_the_first_config_has_what_a_gateway_needs() -> None:
    assert seed_config(ENV, ["localhost", "gateway.example"]) == {
        "gateway": {
            "mode": "local",
            "bind": "lan",
            "auth": {"mode": "token", "token": "t0ken"},
            "controlUi": {
                "allowedOrigins": ["http://localhost:30163", "http://gateway.example:30163"]
            },
        },
        "agents": {"defaults": {"model": {"primary": "openrouter/auto"}}},
        "plugins": {"entries": {"perplexity": {"enabled": False}}},
    }


def test_a_chosen_model_becomes_the_primary_one() -> None:
    seeded = seed_config({**ENV, "OPENCLAW_MODEL": "openrouter/x"}, [])

    assert seeded["agents"]["defaults"]["model"]["primary"] == "openrouter/x"


def test_a_base_url_becomes_the_providers_address() -> None:
    seeded = seed_config({**ENV, "OPENROUTER_BASE_URL": "https://proxy/v1"}, [])

    assert seeded["models"]["providers"]["openrouter"]["baseUrl"] == "https://proxy/v1"
    assert "models" not in seed_config({**ENV, "OPENROUTER_BASE_URL": ""}, [])


def test_perplexity_is_enabled_only_with_its_key() -> None:
    assert "plugins" not in seed_config({**ENV, "PERPLEXITY_API_KEY": "pplx"}, [])
    assert "plugins" in seed_config({**ENV, "PERPLEXITY_API_KEY": ""}, [])


@given(configs, st.text(min_size=1))
@example({}, "t")
@example({"gateway": "text"}, "t")
@example({"gateway": {"auth": {"mode": "password", "password": "p"}, "port": 1}}, "t")
def test_writing_the_token_keeps_everything_else(config: dict[str, Any], token: str) -> None:
    before = copy.deepcopy(config)

    written = with_token(config, token)

    assert config == before
    assert written["gateway"]["auth"]["token"] == token
    assert rest_of(written) == rest_of(before)


def rest_of(config: dict[str, Any]) -> tuple[Any, ...]:
    """Return a config's top level, gateway section and auth section, without our own keys."""
    gateway = config.get("gateway") if isinstance(config.get("gateway"), dict) else {}
    assert isinstance(gateway, dict)
    auth = gateway.get("auth") if isinstance(gateway.get("auth"), dict) else {}
    assert isinstance(auth, dict)
    return (
        {key: value for key, value in config.items() if key != "gateway"},
        {key: value for key, value in gateway.items() if key != "auth"},
        {"mode": "token"} | {key: value for key, value in auth.items() if key != "token"},
    )


@given(configs.filter(lambda config: config), st.text(min_size=1))
def test_a_written_token_reads_back(config: dict[str, Any], token: str) -> None:
    written = with_token(config, token)

    assert parse_config(format_config(written)) == written
    assert token_in(written) == (None if token == TOKEN_REFERENCE else token)


@pytest.mark.parametrize(
    ("config", "token"),
    [
        ({}, None),
        ({"gateway": None}, None),
        ({"gateway": []}, None),
        ({"gateway": {"auth": "x"}}, None),
        ({"gateway": {"auth": {}}}, None),
        ({"gateway": {"auth": {"token": None}}}, None),
        ({"gateway": {"auth": {"token": "${OPENCLAW_GATEWAY_TOKEN}"}}}, None),
        ({"gateway": {"auth": {"token": "${OTHER}"}}}, "${OTHER}"),
        ({"gateway": {"auth": {"token": ""}}}, ""),
        ({"gateway": {"auth": {"token": "abc"}}}, "abc"),
        ({"gateway": {"auth": {"token": 123}}}, "123"),
    ],
)
def test_only_a_literal_token_overrides_the_environment(
    config: dict[str, Any], token: str | None
) -> None:
    assert token_in(config) == token


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{'c4n4ry': 1}", id="JSON5"),
        pytest.param(b'{"c4n4ry": 1, // a comment\n}', id="comment"),
        pytest.param(b'["c4n4ry"]', id="a list"),
        pytest.param(b'"c4n4ry"', id="a string"),
        pytest.param(b'{"c4n4ry": "\xe9"}', id="no UTF-8"),
        pytest.param(b'{"c4n4ry": ' + b"[" * 100_000, id="nested without end"),
        pytest.param(b'{"c4n4ry": ' + b"9" * 5_000 + b"}", id="a number without end"),
    ],
)
def test_anything_but_a_json_object_is_rejected_without_quoting_it(data: bytes) -> None:
    with pytest.raises(ConfigUnreadable) as caught:
        parse_config(data)

    assert "config/openclaw.json" in str(caught.value)
    assert "c4n4ry" not in str(caught.value)


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse_config(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_text_of_any_script_is_written_as_it_is() -> None:
    assert format_config({"name": "Größe 🦞"}) == '{\n  "name": "Größe 🦞"\n}\n'.encode()


def test_a_config_with_a_lone_surrogate_can_be_written() -> None:
    config = parse_config(b'{"name": "\\ud83e"}')

    assert parse_config(format_config(config)) == config


PAIR = ["http://localhost:30163", "http://127.0.0.1:30163"]
MORE = "http://gw.example:30163"


@pytest.mark.parametrize("listed", [None, [], [""], [" ", 5], "http://gw.example:30163"])
def test_without_a_list_the_built_in_origins_apply(listed: Any) -> None:
    config = {} if listed is None else {"gateway": {"controlUi": {"allowedOrigins": listed}}}

    assert list(origins_in(config, 30163)) == PAIR


def test_an_explicit_list_replaces_the_built_in_origins() -> None:
    config = {"gateway": {"controlUi": {"allowedOrigins": [" https://X.example ", None]}}}

    assert origins_in(config, 30163) == ("https://x.example",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, [*PAIR, MORE]),
        ([*PAIR], [*PAIR, MORE]),
        ([MORE], [MORE, *PAIR]),
        (["https://x.example"], ["https://x.example", *PAIR, MORE]),
        ([*PAIR, MORE], [*PAIR, MORE]),
        ("nonsense", [*PAIR, MORE]),
    ],
)
def test_an_added_origin_keeps_the_built_in_ones(before: Any, after: list[str]) -> None:
    config = {} if before is None else {"gateway": {"controlUi": {"allowedOrigins": before}}}

    assert with_origin(config, MORE, 30163)["gateway"]["controlUi"]["allowedOrigins"] == after


@given(configs)
def test_an_added_origin_changes_nothing_else_and_is_listed_once(config: dict[str, Any]) -> None:
    before = copy.deepcopy(config)

    changed = with_origin(config, MORE, 30163)

    assert config == before
    assert MORE in origins_in(changed, 30163)
    assert set(PAIR) <= set(origins_in(changed, 30163))
    assert with_origin(changed, MORE, 30163) == changed
    gateway = config.get("gateway")
    kept = gateway if isinstance(gateway, dict) else {}
    assert {**changed, "gateway": None} == {**config, "gateway": None}
    assert {**changed["gateway"], "controlUi": None} == {**kept, "controlUi": None}


def _allowing(*origins: object) -> dict[str, Any]:
    return {"gateway": {"bind": "lan", "controlUi": {"allowedOrigins": list(origins)}}, "more": 1}


def test_origins_follow_the_gateways_port() -> None:
    before = _allowing(
        "http://localhost:30163", "http://127.0.0.1:30163", "http://gw.example:30163",
        "https://gw.example", "http://else.example:8080", 7,
    )  # fmt: skip
    after = _allowing(
        "http://localhost:31000", "http://127.0.0.1:31000", "http://gw.example:31000",
        "https://gw.example", "http://else.example:8080", 7,
    )  # fmt: skip

    assert with_port(before, 31000) == after
    assert with_port(after, 31000) == after


@pytest.mark.parametrize("config", [{}, {"gateway": 1}, _allowing("https://gw.example")])
def test_a_config_without_origins_at_the_port_stays(config: dict[str, Any]) -> None:
    assert with_port(config, 31000) == config


def test_changed_variables_are_written_and_manual_settings_stay() -> None:
    config = seed_config(ENV, ["localhost", "127.0.0.1", "gw.example"])
    config["agents"]["defaults"]["model"]["fallbacks"] = ["a/b"]
    config["mine"] = 1
    env = {**ENV, "PORT": "9", "OPENCLAW_MODEL": "x/y", "OPENROUTER_BASE_URL": "http://proxy/v1"}

    changed = with_settings(config, env, {"PORT", "OPENCLAW_MODEL", "OPENROUTER_BASE_URL"})

    assert changed["gateway"]["controlUi"]["allowedOrigins"][2] == "http://gw.example:9"
    assert changed["agents"]["defaults"]["model"] == {"primary": "x/y", "fallbacks": ["a/b"]}
    provider = changed["models"]["providers"]["openrouter"]
    assert provider == {"baseUrl": "http://proxy/v1", "models": []}
    assert changed["mine"] == 1
    assert with_settings(config, env, ()) == config


def test_removed_variables_leave_the_config_as_without_them() -> None:
    more = {
        "OPENROUTER_BASE_URL": "http://proxy",
        "PERPLEXITY_API_KEY": "k",
        "OPENCLAW_MODEL": "x/y",
    }

    assert with_settings(seed_config({**ENV, **more}, []), ENV, more) == seed_config(ENV, [])
    assert with_settings(seed_config(ENV, []), {**ENV, **more}, more) == seed_config(
        {**ENV, **more}, []
    )


@given(configs, st.sets(st.sampled_from(["PORT", "OPENCLAW_MODEL", "OPENROUTER_BASE_URL"])))
def test_writing_the_settings_twice_changes_nothing(
    config: dict[str, Any], changed: set[str]
) -> None:
    once = with_settings(config, ENV, changed)

    assert with_settings(once, ENV, changed) == once
