"""Each port has one network, and no two networks share an address."""

from ipaddress import IPv4Network
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.settings.ports import (
    NoFreePort,
    overlapping,
    pick_port,
    pool_is_large_enough,
    probe_address,
    subnet_of,
)

ports = st.integers(1, 65535)
pools = st.sampled_from(
    [IPv4Network(each) for each in ("10.192.0.0/12", "172.16.0.0/12", "10.0.0.0/8")]
)


@given(ports, ports, pools)
def test_the_networks_of_two_ports_share_no_address(
    one: int, other: int, pool: IPv4Network
) -> None:
    same = subnet_of(one, pool).overlaps(subnet_of(other, pool))

    assert same == (one == other)


@given(ports, pools)
def test_each_network_is_a_28_bit_subnet_of_the_pool(port: int, pool: IPv4Network) -> None:
    network = subnet_of(port, pool)

    assert network.prefixlen == 28
    assert network.subnet_of(pool)


def test_the_network_of_a_port_never_changes() -> None:
    assert subnet_of(10000, IPv4Network("10.192.0.0/12")) == IPv4Network("10.194.113.0/28")
    assert subnet_of(65535, IPv4Network("10.192.0.0/12")) == IPv4Network("10.207.255.240/28")


@pytest.mark.parametrize(
    ("pool", "enough"),
    [
        ("10.0.0.0/8", True),
        ("10.192.0.0/12", True),
        ("10.192.0.0/13", False),
        ("10.0.0.0/28", False),
    ],
)
def test_the_network_pool_must_have_a_network_for_each_port(pool: str, enough: bool) -> None:
    assert pool_is_large_enough(IPv4Network(pool)) is enough


@given(st.sets(st.integers(100, 120)), st.sets(st.integers(100, 120)), st.integers())
def test_a_picked_port_is_in_range_and_free(taken: set[int], in_use: set[int], seed: int) -> None:
    left = set(range(100, 121)) - taken - in_use
    try:
        port = pick_port(100, 120, taken, lambda each: each not in in_use, Random(seed))
    except NoFreePort:
        assert not left
    else:
        assert port in left


def test_both_ends_of_the_range_can_be_picked() -> None:
    assert pick_port(100, 102, {100, 101}, lambda _: True) == 102
    assert pick_port(100, 102, {101, 102}, lambda _: True) == 100


def test_the_host_is_asked_only_about_candidates_until_one_is_free() -> None:
    asked: list[int] = []

    pick_port(100, 120, {105}, lambda port: not asked.append(port))

    assert len(asked) == 1
    assert asked != [105]


def test_two_random_port_picks_rarely_agree() -> None:
    picked = {pick_port(1, 65535, (), lambda _: True) for _ in range(5)}

    assert len(picked) > 1


def test_a_full_range_raises() -> None:
    with pytest.raises(NoFreePort):
        pick_port(100, 101, {100, 101}, lambda _: True)
    with pytest.raises(NoFreePort):
        pick_port(100, 101, set(), lambda _: False)


def test_the_first_overlapping_route_is_returned() -> None:
    subnet = IPv4Network("10.194.113.0/28")
    apart, around, within = map(IPv4Network, ("10.195.0.0/16", "10.194.0.0/16", "10.194.113.8/32"))

    assert overlapping(subnet, [apart]) is None
    assert overlapping(subnet, []) is None
    assert overlapping(subnet, [apart, within, around]) == within


@pytest.mark.parametrize(
    ("bind_address", "answers_at"),
    [
        ("", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.2"),
        ("10.0.0.5", "10.0.0.5"),
    ],
)
def test_the_probe_address_follows_the_bind_address(bind_address: str, answers_at: str) -> None:
    assert probe_address(bind_address) == answers_at
