"""The doctor's checks of networks, ports and access."""

from ipaddress import IPv4Network
from secrets import token_hex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.doctor.finding import DoctorVerdict
from app.core.doctor.network import (
    NetworkFacts,
    PortFacts,
    PortOwner,
    engine_networks_finding,
    free_pool,
    networks_finding,
    ports_finding,
    ports_without_network,
)
from app.core.doctor.reach import (
    GatewayReach,
    PageFacts,
    gateways_finding,
    page_finding,
    token_bits,
)
from app.core.doctor.shell import Shell
from app.core.settings.ports import overlapping, pool_is_large_enough, subnet_of

SHELL = Shell("/srv", "root", is_root=True, has_sudo=False)
POOL = IPv4Network("10.192.0.0/12")
A, B = PortOwner("aaaaaaaaaa", "A", 10001, True), PortOwner("bbbbbbbbbb", "B", 10002)
MOVE_B = "/srv/deploy-agent archive bbbbbbbbbb && /srv/deploy-agent restore bbbbbbbbbb"
ROTATE_A = "/srv/deploy-agent rotate-token aaaaaaaaaa"
TOKEN = "9b1fb0b0e9a4c7d25ce03f8a6714d2be85c60713fa9ed4482b7b16cd0c3e5fa1"


def networks(*taken: str, owners: tuple[PortOwner, ...] = (A, B)) -> NetworkFacts:
    return NetworkFacts(POOL, 10000, 32767, owners, [IPv4Network(each) for each in taken])


def ports(*owners: PortOwner, listening: dict[int, str] | None = None, **more: object) -> PortFacts:
    return PortFacts(10000, 32767, owners, listening or {}, **more)  # type: ignore[arg-type]


def test_our_own_networks_do_not_count_as_taken() -> None:
    own = str(subnet_of(A.port, POOL))

    found = networks_finding(networks(own, "172.17.0.0/16", "192.168.1.0/24"), SHELL)

    assert found.verdict is DoctorVerdict.GOOD
    assert found.seen.startswith("22768 of 22768 ")


def test_a_route_over_a_deployments_network_gets_a_fix_that_moves_it() -> None:
    route = str(subnet_of(B.port, POOL).supernet(1))

    found = networks_finding(networks(route, owners=(B,)), SHELL)

    assert (found.verdict, found.fix) == (DoctorVerdict.BAD, MOVE_B)
    assert found.seen.startswith(
        f"B can't have its network: this host already has a route to {route}"
    )


def test_a_route_over_the_whole_pool_suggests_another_pool() -> None:
    found = networks_finding(networks("10.128.0.0/9"), SHELL)

    assert found.verdict is DoctorVerdict.BAD
    assert found.fix == "export DEPLOY_AGENT_SUBNET_POOL=10.112.0.0/12"
    nowhere = networks_finding(networks("10.0.0.0/8", "100.64.0.0/10"), SHELL)
    assert (nowhere.verdict, nowhere.fix) == (DoctorVerdict.BAD, "")


SOME_NETWORKS = st.lists(
    st.builds(
        lambda address, prefix: IPv4Network((address, prefix), strict=False),
        st.integers(int(POOL.network_address) - 2**16, int(POOL.network_address) + 2**20),
        st.integers(12, 32),
    ),
    max_size=6,
)


@given(SOME_NETWORKS, st.integers(1, 300))
def test_counting_lost_ports_equals_checking_each_port(taken: list[IPv4Network], low: int) -> None:
    each = [port for port in range(low, low + 60) if overlapping(subnet_of(port, POOL), taken)]

    assert ports_without_network(low, low + 59, POOL, taken) == len(each)


@given(SOME_NETWORKS)
def test_the_suggested_pool_is_free_and_large_enough(taken: list[IPv4Network]) -> None:
    pool = free_pool(taken)

    assert pool
    assert pool_is_large_enough(pool)
    assert overlapping(pool, taken) is None


def test_exhausted_engine_networks_are_reported() -> None:
    few = [IPv4Network(f"172.{n}.0.0/16") for n in range(17, 32)]
    many = [*few, *(IPv4Network(f"192.168.{n}.0/24") for n in range(0, 209, 16))]

    assert engine_networks_finding([], SHELL).seen.startswith("31 of 31 ")
    assert engine_networks_finding(few, SHELL).verdict is DoctorVerdict.GOOD
    assert engine_networks_finding(many, SHELL).verdict is DoctorVerdict.WARNING


def test_ports_of_our_own_gateways_are_no_conflict() -> None:
    found = ports_finding(ports(A, B, listening={A.port: "docker-proxy", 22: "sshd"}), SHELL)

    assert found.verdict is DoctorVerdict.GOOD
    assert found.seen == "22766 of 22768 ports in 10000-32767 are free; 2 deployments have one."


def test_a_program_on_a_deployments_port_is_named() -> None:
    found = ports_finding(ports(A, B, listening={B.port: "nginx"}), SHELL)

    assert (found.verdict, found.fix) == (DoctorVerdict.BAD, MOVE_B)
    assert found.seen == "nginx uses port 10002 of B."


def test_of_two_deployments_with_one_port_the_stopped_one_is_moved() -> None:
    twin = PortOwner(B.deployment_id, "B", A.port)

    for owners in ((A, twin), (twin, A)):
        found = ports_finding(ports(*owners), SHELL)
        assert (found.verdict, found.fix) == (DoctorVerdict.BAD, MOVE_B)


def test_without_the_engine_port_conflicts_are_unknown() -> None:
    found = ports_finding(ports(B, listening={B.port: ""}, engine_answered=False), SHELL)

    assert found.verdict is DoctorVerdict.UNKNOWN


@pytest.mark.parametrize(
    ("ephemeral", "reserved", "verdict"),
    [
        ((32768, 60999), [], DoctorVerdict.GOOD),
        ((1024, 65535), [], DoctorVerdict.WARNING),
        ((1024, 65535), [(10000, 32767)], DoctorVerdict.GOOD),
        ((30000, 65535), [(10000, 31000)], DoctorVerdict.WARNING),
    ],
)
def test_a_range_that_the_kernel_uses_is_a_warning(
    ephemeral: tuple[int, int], reserved: list[tuple[int, int]], verdict: DoctorVerdict
) -> None:
    found = ports_finding(ports(A, ephemeral=ephemeral, reserved=reserved), SHELL)

    assert found.verdict is verdict


def test_a_full_port_range_suggests_a_larger_one() -> None:
    found = ports_finding(PortFacts(10001, 10002, (A, B), {}), SHELL)

    assert found.verdict is DoctorVerdict.WARNING
    assert found.fix == "export DEPLOY_AGENT_PORT_RANGE=10000-32767"


def reached(token: str = TOKEN, name: str = "a", **more: bool) -> GatewayReach:
    return GatewayReach(name * 10, name, token, **{"here_only": False, "runs": True, **more})


@pytest.mark.parametrize(
    ("token", "verdict"),
    [
        (TOKEN, DoctorVerdict.GOOD),
        (TOKEN[:32], DoctorVerdict.GOOD),
        ("x_606OyL0defPB7o0Foo6anI9PI9lsfnaxQUhHYmdMc", DoctorVerdict.GOOD),
        ("", DoctorVerdict.BAD),
        ("changeme", DoctorVerdict.BAD),
        ("a" * 64, DoctorVerdict.BAD),
        ("correct-horse-battery", DoctorVerdict.WARNING),
    ],
)
def test_a_reachable_gateway_is_rated_by_its_token(token: str, verdict: DoctorVerdict) -> None:
    found = gateways_finding([reached(token)], [], SHELL)

    assert found.verdict is verdict
    assert found.fix == ("" if found.verdict is DoctorVerdict.GOOD else ROTATE_A)
    assert not token or token not in f"{found.seen} {found.next_step} {found.fix}"
    assert not token or token not in repr(reached(token))


def test_tokens_made_by_us_are_strong() -> None:
    assert all(token_bits(token_hex(32)) > 200 for _ in range(100))


@given(st.text(max_size=80))
def test_a_token_has_no_more_bits_than_its_characters_allow(token: str) -> None:
    assert 0 <= token_bits(token) <= len(token) * 6.6
    assert token_bits(token[:1] * len(token)) == 0


def test_a_gateway_for_this_host_only_may_have_any_token() -> None:
    assert gateways_finding([reached("x", here_only=True)], [], SHELL).verdict is DoctorVerdict.GOOD


def test_reachable_gateways_with_the_same_token_are_a_warning() -> None:
    found = gateways_finding([reached(), reached(name="b")], [], SHELL)

    assert (found.verdict, found.seen.partition(".")[0]) == (
        DoctorVerdict.WARNING,
        "a and b have the same token",
    )


def test_plain_http_on_an_internet_address_is_a_warning() -> None:
    found = gateways_finding([reached()], ["203.0.113.9"], SHELL)

    assert found.verdict is DoctorVerdict.WARNING
    assert found.fix == "export DEPLOY_AGENT_BIND_ADDRESS=127.0.0.1"


@pytest.mark.parametrize(
    ("here_only", "has_users", "proxied", "public", "verdict"),
    [
        (True, False, False, (), DoctorVerdict.GOOD),
        (True, True, True, ("203.0.113.9",), DoctorVerdict.GOOD),
        (True, False, True, (), DoctorVerdict.WARNING),
        (False, False, False, (), DoctorVerdict.WARNING),
        (False, True, False, (), DoctorVerdict.GOOD),
        (False, True, False, ("203.0.113.9",), DoctorVerdict.WARNING),
    ],
)
def test_the_page_is_rated_by_who_can_open_it(
    here_only: bool, has_users: bool, proxied: bool, public: tuple[str, ...], verdict: DoctorVerdict
) -> None:
    page = PageFacts("http://x:8000", here_only, has_users, proxied, public)

    assert page_finding(page, SHELL).verdict is verdict
