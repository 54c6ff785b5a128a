"""The text of the compose file. tests/engine/test_dialect.py lets Compose read the file."""

import re
from ipaddress import IPv4Network

import pytest

from app.core.settings.compose_file import compose_file, with_subnet
from app.core.settings.fields import FIELDS

FILE = compose_file("0b7a3361be", IPv4Network("10.194.113.0/28"))


def test_every_gateway_variable_is_passed_on_exactly_once() -> None:
    passed_on = re.findall(r"^      ([A-Z_]+):$", FILE, re.MULTILINE)

    assert sorted(passed_on) == sorted(each.env for each in FIELDS if each.reaches_gateway)


def test_every_variable_in_the_compose_file_is_a_field() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", FILE.replace("$$", "")))

    assert used == {
        "OPENCLAW_IMAGE",
        "OPENCLAW_GATEWAY_TOKEN",
        "PORT",
        "BIND_ADDRESS",
        "MEMORY_LIMIT",
    }
    assert used <= {each.env for each in FIELDS}


@pytest.mark.parametrize("name", ["OPENCLAW_IMAGE", "OPENCLAW_GATEWAY_TOKEN", "PORT"])
def test_a_required_variable_is_never_empty(name: str) -> None:
    uses = re.findall(rf"\$\{{{name}(..)", FILE)

    assert uses
    assert set(uses) == {":?"}


def test_it_names_its_deployment_and_network() -> None:
    assert 'io.deploy-agent.deployment: "0b7a3361be"' in FILE
    assert "- subnet: 10.194.113.0/28\n" in FILE
    assert '    hostname: "0b7a3361be"\n' in FILE, (
        "another host name after a kill costs five minutes"
    )
    assert "%(" not in FILE
    assert "%%" not in FILE


def test_the_same_deployment_gives_the_same_fingerprint() -> None:
    assert compose_file("0b7a3361be", IPv4Network("10.194.113.0/28")) == FILE


POOL = IPv4Network("10.192.0.0/12")
OTHER = IPv4Network("10.195.0.0/28")


def test_a_new_network_changes_one_line_only() -> None:
    edited = f"# by hand\n{FILE}".replace(
        "- subnet: 10.194.113.0/28", "- subnet:  '10.194.113.0/28'"
    )

    changed = with_subnet(edited, OTHER, POOL)

    assert changed == edited.replace("10.194.113.0/28", "10.195.0.0/28")
    assert with_subnet(FILE, OTHER, POOL) == compose_file("0b7a3361be", OTHER)


@pytest.mark.parametrize("own", ["172.30.0.0/28", "10.194.0.0/24", "${SUBNET}", "10.194.113.0"])
def test_a_network_set_by_hand_stays(own: str) -> None:
    edited = FILE.replace("10.194.113.0/28", own)

    assert with_subnet(edited, OTHER, POOL) == edited
