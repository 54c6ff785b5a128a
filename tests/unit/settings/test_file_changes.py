"""A reconfiguration changes only the requested values in files. All other bytes stay."""

from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.settings.compose_file import compose_file
from app.core.settings.env_file import parse_env
from app.core.settings.env_parser import EnvFileError
from app.core.settings.file_changes import (
    DeploymentFiles,
    SettingChange,
    changes_between,
    check_changes,
    compose_diff,
    manual_steps,
    with_changes,
)
from app.core.settings.ports import subnet_of

POOL = IPv4Network("10.192.0.0/12")
ENV = {
    "PORT": "30163",
    "OPENROUTER_API_KEY": "sk-or-v1-old",
    "TELEGRAM_BOT_TOKEN": "1:bot",
    "OPENCLAW_MODEL": "openrouter/auto",
    "OPENCLAW_IMAGE": "openclaw:1",
    "TZ": "Mars/Olympus",
}
FALLBACKS = {"image": "openclaw:2", "memory_limit": "2g", "bind_address": ""}
AGENT_DIR = compose_file("0b7a3361be", subnet_of(30163, POOL))


@pytest.mark.parametrize(
    ("given", "remove", "changed"),
    [
        ({}, (), {}),
        ({"name": "Sales", "port": 30164}, (), {"DEPLOYMENT_NAME": "Sales", "PORT": "30164"}),
        ({"port": 30163, "name": "", "memory_limit": ""}, (), {}),
        ({"openrouter_api_key": "", "telegram_bot_token": None}, (), {}),
        ({"openrouter_api_key": "sk-or-v1-new"}, (), {"OPENROUTER_API_KEY": "sk-or-v1-new"}),
        ({"telegram_bot_token": ""}, ("telegram_bot_token",), {"TELEGRAM_BOT_TOKEN": None}),
        ({}, ("slack_bot_token",), {}),
        ({"model": ""}, (), {"OPENCLAW_MODEL": None}),
        ({"image": " "}, (), {"OPENCLAW_IMAGE": "openclaw:2"}),
        ({"model": None}, (), {"OPENCLAW_MODEL": None}),
        ({}, ("image",), {"OPENCLAW_IMAGE": "openclaw:2"}),
        # The input equals the manually written value in the file, which is kept.
        ({"timezone": "Mars/Olympus"}, (), {}),
    ],
)
def test_only_differing_values_are_changed(
    given: dict[str, Any], remove: tuple[str, ...], changed: dict[str, str | None]
) -> None:
    asked = check_changes(given, remove, ENV, FALLBACKS)

    assert (asked.values, asked.errors) == (changed, {})


@pytest.mark.parametrize(
    ("given", "remove", "error"),
    [
        ({"port": ""}, (), {"port": "is needed"}),
        ({"port": "99999"}, (), {"port": "must be between 1 and 65535"}),
        ({"timezone": "Mars/Tharsis"}, (), {"timezone": "must be the name of a time zone,"}),
        ({"colour": "red"}, (), {"colour": "is not a field of a deployment"}),
        ({}, ("colour",), {"colour": "is not a field of a deployment"}),
        ({}, ("openrouter_api_key",), {"openrouter_api_key": "can't be removed"}),
        ({}, ("port",), {"port": "can't be removed"}),
        ({"openclaw_gateway_token": "mine"}, (), {"openclaw_gateway_token": "is made by"}),
        ({"name": False}, (), {"name": "must be text"}),
        (
            {"telegram_bot_token": "2:bot"},
            ("telegram_bot_token",),
            {"telegram_bot_token": "can't be both set and removed"},
        ),
    ],
)
def test_rejected_changes_are_reported_by_field(
    given: dict[str, Any], remove: tuple[str, ...], error: dict[str, str]
) -> None:
    [(name, said)] = check_changes(given, remove, ENV, FALLBACKS).errors.items()

    assert {name: said[: len(error[name])]} == error


_KEYS = ("PORT", "TZ", "OPENCLAW_MODEL", "DEPLOYMENT_NAME", "MINE", "A_KEY")
_plain = st.text(st.characters(codec="ascii", exclude_characters="\0$\\'\"\n\r"), max_size=8)
_written = st.builds(
    lambda key, before, value, after: f"{before}{key}{value}{after}\n",
    st.sampled_from(_KEYS),
    st.sampled_from(["", "export ", "  "]),
    st.one_of(
        _plain.map(lambda text: f"='{text}'"),
        st.sampled_from(["=1", "= 2", ": three", '="a\nb"', "="]),
    ),
    st.sampled_from(["", " # why", "\t", "\r"]),
)
_hand_written = st.lists(st.one_of(_written, st.sampled_from(["# a comment\n", "\n", "  \n"])))


@given(_hand_written, st.sampled_from(_KEYS), st.one_of(st.none(), _plain))
def test_a_change_keeps_the_other_lines_of_a_hand_written_file(
    lines: list[str], key: str, value: str | None
) -> None:
    data = "".join(lines).encode()
    before = parse_env(data)
    assume(value is not None or key in before)

    after = with_changes(DeploymentFiles(data, None), {key: value}, POOL).env

    expected = {**before, key: value or ""} if value is not None else before
    assert parse_env(after) == {
        name: each for name, each in expected.items() if name != key or value is not None
    }
    # Lines of other keys are unchanged and in the same order.
    rest = iter(after.decode().splitlines(keepends=True))
    for line in "".join(each for each in lines if key not in each).splitlines(keepends=True):
        assert line in rest


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("A=1\nTZ=x\nB=2\n", "A=1\nB=2\n"),
        ("A=1\nTZ=x", "A=1\n"),
        ("TZ=x # why\nB=2\n", "# why\nB=2\n"),
        ("# above\nexport TZ='x'\n", "# above\n"),
        ("TZ=x\nB=2\nTZ=y\n", "B=2\n"),
        ("TZ='x'B=2\n", "B=2\n"),
        ("A='1'TZ='x'\r\nB=2\r\n", "A='1'\r\nB=2\r\n"),
        ('TZ="a\nb"\nB=2\n', "B=2\n"),
        ("\ufeffTZ=x\r\nB=2\r\n", "\ufeffB=2\r\n"),
    ],
)
def test_a_removal_deletes_the_line_but_keeps_comments(text: str, changed: str) -> None:
    assert (
        with_changes(DeploymentFiles(text.encode(), None), {"TZ": None}, POOL).env
        == changed.encode()
    )


def test_an_invalid_file_is_not_changed() -> None:
    with pytest.raises(EnvFileError):
        with_changes(DeploymentFiles(b"PORT='open\n", None), {"TZ": None}, POOL)


def test_only_the_network_of_the_compose_file_follows_the_port() -> None:
    edited = AGENT_DIR.replace("pids_limit: 512", "pids_limit: 900  # mine")

    after = with_changes(DeploymentFiles(b"PORT=30163\n", edited), {"PORT": "30164"}, POOL)

    lines = compose_diff(DeploymentFiles(b"", edited), after, ())
    assert after.env == b"PORT=30164\n"
    assert [each for each in lines[2:] if each[0] in "+-"] == [
        f"-        - subnet: {subnet_of(30163, POOL)}",
        f"+        - subnet: {subnet_of(30164, POOL)}",
    ]


def test_a_diff_shows_no_secret() -> None:
    before = DeploymentFiles(
        b"", "environment:\n  API_TOKEN: canary-1\n  X: canary-2\n  subnet: 1\n"
    )
    after = DeploymentFiles(
        b"", before.compose and before.compose.replace("subnet: 1", "subnet: 2")
    )

    lines = compose_diff(before, after, ["canary-2"])

    assert "canary" not in "\n".join(lines)
    assert lines[-2:] == ("-  subnet: 1", "+  subnet: 2")


def test_changes_are_in_schema_order_and_say_what_they_are() -> None:
    after = {**ENV, "PORT": "1", "TELEGRAM_BOT_TOKEN": "", "MINE": "x", "DEPLOYMENT_NAME": "Sales"}

    changes = changes_between(ENV, after)

    assert [(each.name, each.what, each.secret) for each in changes] == [
        ("port", "changed", False),
        ("name", "added", False),
        ("telegram_bot_token", "removed", True),
        ("MINE", "added", False),
    ]
    assert "1:bot" not in repr(changes)


def test_a_hand_written_compose_file_stays_and_manual_steps_are_listed() -> None:
    own = "services:\n  openclaw:\n    environment: [OPENROUTER_API_KEY]\n    ports: ['1:1']\n"
    files, port, zone = (
        DeploymentFiles(b"", own),
        SettingChange("PORT", "1", "2"),
        SettingChange("TZ", None, "UTC"),
    )
    name, key = (
        SettingChange("DEPLOYMENT_NAME", None, "x"),
        SettingChange("OPENROUTER_API_KEY", "a", "b"),
    )

    assert (
        manual_steps([name, key, SettingChange("OPENCLAW_MODEL", None, "a/b")], files, files) == ()
    )
    assert [each.split(",")[0] for each in manual_steps([port, zone], files, files)] == [
        "docker-compose.yml does not use PORT",
        "docker-compose.yml does not use TZ",
    ]
    assert (
        "no readable docker-compose.yml" in manual_steps([], DeploymentFiles(b"", None), files)[0]
    )
    networked = DeploymentFiles(b"", f"{own}      - subnet: 172.30.0.0/24 # ${{PORT}}\n")
    assert "was set by hand" in manual_steps([port], networked, networked)[0]
