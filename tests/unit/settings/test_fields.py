"""The field schema: accepted input, and the messages for rejected input."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.settings.env_file import MAX_VALUE_BYTES, format_env, parse_env
from app.core.settings.field import Field
from app.core.settings.field_checks import ValueRejected, check_input, check_value, warning_about
from app.core.settings.field_rules import memory_bytes
from app.core.settings.fields import BY_NAME, FIELDS, SECTIONS, TOKEN, is_secret
from app.usecases.settings.answers import SchemaShown

KEY = {"openrouter_api_key": "sk-or-v1-0123456789abcdef"}
# Part of every rejected value. No message may repeat this text.
CANARY = "c4n4ry"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["", " ", "0", "30163", "٣٠", "2g", "openrouter/auto", "UTC", "127.0.0.1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(
    st.sampled_from([each.name for each in FIELDS]) | st.text(st.characters()),
    json_values,
    max_size=8,
)


def error_of(name: str, value: object) -> str | None:
    """Check a field's value next to a valid API key, and return the field's error or None."""
    return check_input({**KEY, name: value}).errors.get(name)


@given(json_objects)
@example({"port": 10**5000})
@example({"port": -(10**5000)})
@example({"port": "9" * 5000})
@example({"openrouter_api_key": "\ud800"})
def test_any_input_is_checked_and_accepted_values_can_be_written(
    given_fields: dict[str, object],
) -> None:
    checked = check_input(given_fields)

    assert checked.values.keys().isdisjoint(checked.errors)
    assert all(checked.errors.values())
    accepted = {BY_NAME[name].env: value for name, value in checked.values.items()}
    assert parse_env(format_env(accepted).encode()) == accepted


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("colour", CANARY, "is not a field of a deployment"),
        ("PORT", 30163, "is not a field of a deployment"),
        ("", "", "is not a field of a deployment"),
        ("openclaw_gateway_token", CANARY, "is made by Deploy Agent and can't be set"),
        ("openclaw_gateway_token", None, "is made by Deploy Agent and can't be set"),
        ("openrouter_api_key", None, "is needed"),
        ("openrouter_api_key", "", "is needed"),
        ("openrouter_api_key", " \t", "is needed"),
        ("openrouter_api_key", 5, "must be text"),
        ("openrouter_api_key", True, "must be text"),
        ("openrouter_api_key", [CANARY], "must be text"),
        ("openrouter_api_key", {CANARY: CANARY}, "must be text"),
        ("openrouter_api_key", f"{CANARY}\nx", "must be a single line"),
        ("openrouter_api_key", f"{CANARY}\r", "must be a single line"),
        ("openrouter_api_key", f"{CANARY}\0", "must not contain a NUL byte"),
        ("openrouter_api_key", f"{CANARY}\ud800", "must be valid Unicode text"),
        ("openrouter_api_key", CANARY * MAX_VALUE_BYTES, "must be at most 32 KiB long"),
        ("openai_api_key", "  ", "must not be blank"),
        ("port", CANARY, "must be a whole number"),
        ("port", "30163x", "must be a whole number"),
        ("port", "-1", "must be a whole number"),
        ("port", "+1", "must be a whole number"),
        ("port", "1_0", "must be a whole number"),
        ("port", "3.0", "must be a whole number"),
        ("port", "３０１６３", "must be a whole number"),
        ("port", "٣", "must be a whole number"),
        ("port", "\u00a030163", "must be a whole number"),
        ("port", "²", "must be a whole number"),
        ("port", 30163.0, "must be a whole number"),
        ("port", float("nan"), "must be a whole number"),
        ("port", True, "must be a whole number"),
        ("port", False, "must be a whole number"),
        ("port", [30163], "must be a whole number"),
        ("port", 0, "must be between 1 and 65535"),
        ("port", "0", "must be between 1 and 65535"),
        ("port", "000", "must be between 1 and 65535"),
        ("port", -1, "must be between 1 and 65535"),
        ("port", 65536, "must be between 1 and 65535"),
        ("port", 10**20, "must be between 1 and 65535"),
        pytest.param("port", 10**5000, "must be between 1 and 65535", id="5001 digits"),
        ("port", "9" * 5000, "must be between 1 and 65535"),
        ("name", CANARY * 14, "must be at most 80 characters long"),
        ("name", f"{CANARY}\nx", "must be a single line"),
        ("name", 7, "must be text"),
        ("model", CANARY, "must be provider/model, such as openrouter/auto"),
        ("model", f"{CANARY}/", "must be provider/model, such as openrouter/auto"),
        ("model", f"/{CANARY}", "must be provider/model, such as openrouter/auto"),
        ("model", f"a/{CANARY} b", "must be provider/model, such as openrouter/auto"),
        ("timezone", f"Europe/{CANARY}", "must be the name of a time zone, such as Europe/Berlin"),
        ("timezone", "europe/berlin", "must be the name of a time zone, such as Europe/Berlin"),
        ("timezone", "../etc/passwd", "must be the name of a time zone, such as Europe/Berlin"),
    ],
)
def test_a_rejected_value_is_not_repeated_in_the_message(
    name: str, value: object, message: str
) -> None:
    said = error_of(name, value)

    assert said == message
    assert CANARY not in said


def test_a_missing_mandatory_key_is_an_error() -> None:
    checked = check_input({})

    assert checked.errors == {"openrouter_api_key": "is needed"}
    assert checked.values == {}


def test_all_fields_are_checked_at_once() -> None:
    checked = check_input({"port": "x", "name": "Bot", "memory_limit": "x", "colour": "red"})

    assert checked.errors.keys() == {"port", "memory_limit", "colour", "openrouter_api_key"}
    assert checked.values == {"name": "Bot"}


def test_checked_values_are_not_in_the_repr() -> None:
    assert KEY["openrouter_api_key"] not in repr(check_input(KEY))


@pytest.mark.parametrize(
    "name", [each.name for each in FIELDS if each.group == "optional"] + ["port"]
)
@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_optional_field_counts_as_not_given(name: str, empty: str | None) -> None:
    checked = check_input({**KEY, name: empty})

    assert checked.errors == {}
    assert checked.values == KEY


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("openrouter_api_key", "any shape of key", "any shape of key"),
        ("openrouter_api_key", " spaces belong to a secret ", " spaces belong to a secret "),
        ("port", 30163, "30163"),
        ("port", "30163", "30163"),
        ("port", " 030163\n", "30163"),
        ("port", 1, "1"),
        ("port", 65535, "65535"),
        ("name", "  Support “bot” #1 ", "Support “bot” #1"),
        ("name", "é" * 80, "é" * 80),
        ("timezone", "Europe/Berlin", "Europe/Berlin"),
        ("timezone", " UTC ", "UTC"),
    ],
)
def test_a_valid_value_is_kept(name: str, value: object, kept: str) -> None:
    checked = check_input({**KEY, name: value})

    assert checked.errors == {}
    assert checked.values[name] == kept


GOOD_AND_BAD: dict[str, tuple[list[str], list[str]]] = {
    "image": (
        [
            "openclaw",
            "openclaw:latest",
            "ghcr.io/openclaw/openclaw:2026.9.6",
            "localhost:5000/team/open-claw_x:a.b-c",
            "registry.example:443/a@sha256:" + "0" * 64,
            "a/b:tag@sha256:" + "f" * 64,
        ],
        [
            "OpenClaw",
            "openclaw:",
            "open claw",
            "-openclaw",
            "openclaw@sha256:12",
            "https://ghcr.io/openclaw",
            "openclaw:latest:2",
            "openclaw;rm",
            "$(touch /tmp/x)",
            "--privileged",
            "${IMAGE}",
            "a" * 256,
        ],
    ),
    "memory_limit": (
        ["2g", "1500m", "2G", "512mb", "32m", "33554432b", "32768k"],
        [
            "2",
            "2.5g",
            "0g",
            "-1g",
            "2 g",
            "2t",
            "g",
            "31m",
            "1b",
            "２g",
            "2g;",
            "lots",
            "9" * 13 + "g",
        ],
    ),
    "model": (
        ["openrouter/auto", "openrouter/anthropic/claude-4.5", "openai/gpt-6:free", "a/b@c+d"],
        ["auto", "no-provider", "openrouter/", "/auto", "openrouter//auto", "a/b?", "a/ü", "a/b,c"],
    ),
    "timezone": (["UTC", "America/Argentina/Ushuaia"], ["Mars/Olympus", "UTC+1", "/etc", "."]),
    "bind_address": (
        ["0.0.0.0", "127.0.0.1", "192.168.1.20"],
        [
            "localhost",
            "example.org",
            "::1",
            "127.0.0.1:80",
            "127.1",
            "256.0.0.1",
            "10.0.0.0/8",
            "０.0.0.0",
        ],
    ),
    "openrouter_base_url": (
        ["https://openrouter.ai/api/v1", "http://10.0.0.5:8080", "http://[::1]:80/v1"],
        [
            "openrouter.ai",
            "ftp://openrouter.ai",
            "file:///etc",
            "https://me:secret@host/v1",
            "https://host/v1?key=1",
            "https://host/v1#part",
            "https://host/a b",
            "https:///v1",
            "javascript:alert(1)",
        ],
    ),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, each) for name, (good, _) in GOOD_AND_BAD.items() for each in good]
)
def test_a_rule_accepts_good_values(name: str, value: str) -> None:
    assert error_of(name, value) is None


@pytest.mark.parametrize(
    ("name", "value"), [(name, each) for name, (_, bad) in GOOD_AND_BAD.items() for each in bad]
)
def test_a_rule_rejects_bad_values_with_an_example(name: str, value: str) -> None:
    message = error_of(name, value)

    assert message is not None
    assert message.startswith("must be ")
    assert value not in message.split()


def test_every_field_with_a_rule_has_good_and_bad_values() -> None:
    assert GOOD_AND_BAD.keys() == {each.name for each in FIELDS if each.rule} - {"name"}


# Values with characters that end a line, change the direction of text, or control a terminal.
CONTROLLING = (
    "a\nPORT=1", "a\r\nb", "a\0b", "a\x1b[2Jb", "\x1b]8;;http://evil.example\x07x\x1b]8;;\x07",
    "\u202egnp.exe", "\u2066x", "\x9b2J", "a\bb", "\x07", "\ud800",
)  # fmt: skip


@pytest.mark.parametrize("value", CONTROLLING)
@pytest.mark.parametrize(
    "name", [each.name for each in FIELDS if not each.secret and each.group == "optional"]
)
def test_a_shown_field_refuses_control_characters_and_repeats_none(name: str, value: str) -> None:
    message = error_of(name, value)

    assert message
    assert value not in message


@pytest.mark.parametrize("sign", ["\x1b", "\x07", "\x7f", "\x9b", "\u202e", "\u2066"])
@pytest.mark.parametrize("name", ["name", "openrouter_base_url"])
def test_visible_values_have_no_invisible_characters(name: str, sign: str) -> None:
    message = error_of(name, f"https://host/{CANARY}{sign}x")

    assert message == "must not contain control characters"


@pytest.mark.parametrize(
    ("text", "size"),
    [("1b", 1), ("1k", 1024), ("2kb", 2048), ("3m", 3 * 2**20), ("2G", 2**31), ("2GB", 2**31)],
)
def test_a_size_is_parsed_as_docker_parses_it(text: str, size: int) -> None:
    assert memory_bytes(text) == size


def test_field_names_and_variables_are_unique() -> None:
    assert len({each.name for each in FIELDS}) == len(FIELDS)
    assert len({each.env for each in FIELDS}) == len(FIELDS)


def test_the_schema_describes_every_field_once_in_its_group() -> None:
    groups = SchemaShown.of_fields({"model": "openrouter/auto"}).as_json()

    assert list(groups) == ["auto", "mandatory", "optional"]
    described = {each["name"]: each for group in groups.values() for each in group}
    assert sum(map(len, groups.values())) == len(FIELDS) == len(described)
    assert [each["name"] for each in groups["auto"]] == ["port", "openclaw_gateway_token"]
    assert [each["name"] for each in groups["mandatory"]] == ["openrouter_api_key"]
    assert described["model"]["default"] == "openrouter/auto"
    assert described["port"] == {
        "name": "port",
        "env": "PORT",
        "label": "Port",
        "help": BY_NAME["port"].help,
        "type": "integer",
        "secret": False,
        "default": None,
        "minimum": 1,
        "maximum": 65535,
    }


@pytest.mark.parametrize("field", FIELDS, ids=[each.name for each in FIELDS])
def test_a_field_named_key_or_token_is_a_secret(field: Field) -> None:
    assert field.secret == field.env.endswith(("_KEY", "_TOKEN"))
    assert is_secret(field.env) == field.secret


@pytest.mark.parametrize(
    ("env", "secret"),
    [
        ("GROQ_API_KEY", True),
        ("groq_api_key", True),
        ("MY_TOKEN", True),
        ("DB_PASSWORD", True),
        ("CLIENT_SECRET", True),
        ("AWS_CREDENTIALS", True),
        ("API_KEY_2", True),
        ("ACCESS_KEY_ID", True),
        ("DB_PASS", True),
        ("PORT", False),
        ("TZ", False),
        ("KEYBOARD", False),
        ("TOKENIZER", False),
    ],
)
def test_an_unknown_variable_is_a_secret_by_its_name(env: str, secret: bool) -> None:
    assert is_secret(env) is secret


@pytest.mark.parametrize("field", FIELDS, ids=[each.name for each in FIELDS])
def test_every_field_says_what_it_is_for_and_where_a_key_comes_from(field: Field) -> None:
    assert field.help.endswith(".")
    assert field.section in {each.title for each in SECTIONS}
    if field.secret and field is not TOKEN:
        assert field.link.startswith("https://")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("openrouter_api_key", "sk-or-v1-" + "a" * 64, ""),
        ("openrouter_api_key", f"sk-or-v1-{CANARY}", "This does not look like an OpenRouter API"),
        ("openrouter_api_key", f"sk-ant-{CANARY}", "This looks like an Anthropic API key"),
        ("openrouter_api_key", "110201543:" + "A" * 35, "This looks like a Telegram bot token"),
        ("openrouter_api_key", f" {CANARY}", "This begins or ends with a space"),
        ("openai_api_key", f"sk-proj-{CANARY}", ""),
        ("openai_api_key", f"sk-ant-{CANARY}", "This looks like an Anthropic API key"),
        ("telegram_bot_token", "110201543:" + "A" * 35, ""),
        ("telegram_bot_token", CANARY, "This does not look like a Telegram bot token"),
        ("slack_bot_token", f"xapp-{CANARY}", "This looks like a Slack app token"),
        ("minimax_api_key", CANARY, ""),
        ("minimax_api_key", f"pplx-{CANARY}", "This looks like a Perplexity API key"),
        ("name", "sk-ant-abc", ""),
    ],
)
def test_a_secret_that_looks_wrong_is_accepted_with_a_warning(
    name: str, value: str, said: str
) -> None:
    doubt = warning_about(BY_NAME[name], value)

    assert doubt.startswith(said)
    assert bool(doubt) == bool(said)
    assert CANARY not in doubt
    assert error_of(name, value) is None


@given(st.sampled_from([each.name for each in FIELDS]), json_values)
def test_a_field_is_checked_alone_as_among_others(name: str, value: object) -> None:
    among_all = check_input({**KEY, name: value})

    try:
        alone = check_value(name, value)
    except ValueRejected as wrong:
        assert among_all.errors == {name: str(wrong)}
    else:
        assert among_all.errors == {}
        assert among_all.values.get(name, "") == alone


@given(st.sampled_from(FIELDS), st.text(min_size=6, alphabet=st.characters(categories=["L", "N"])))
def test_a_warning_repeats_no_value(field: Field, value: str) -> None:
    assert f"{value}{CANARY}" not in warning_about(field, f"{value}{CANARY}")
