"""The doctor's checks of networks, ports, and who can reach them."""

from app.config import is_loopback
from app.core.doctor import network, reach
from app.core.doctor.finding import DoctorFinding
from app.core.errors import EngineError
from app.engine.host import machine
from app.engine.host.network import host_routes
from app.usecases.doctor.facts import Facts
from app.usecases.people.people import has_users


def networks(facts: Facts) -> DoctorFinding:
    return network.networks_finding(network_facts(facts), facts.shell)


def network_facts(facts: Facts) -> network.NetworkFacts:
    low, high = facts.settings.port_range
    try:
        subnets = facts.of_engine("networks", facts.context.networks.subnets)
    except EngineError:
        subnets = []
    return network.NetworkFacts(
        facts.settings.subnet_pool, low, high, facts.port_owners(), [*host_routes(), *subnets]
    )


def engine_networks(facts: Facts) -> DoctorFinding:
    subnets = facts.of_engine("networks", facts.context.networks.subnets)
    return network.engine_networks_finding([*host_routes(), *subnets], facts.shell)


def ports(facts: Facts) -> DoctorFinding:
    return network.ports_finding(port_facts(facts), facts.shell)


def port_facts(facts: Facts) -> network.PortFacts:
    low, high = facts.settings.port_range
    listening = {each.port: each.program for each in facts.listeners}
    try:
        publishers = facts.of_engine("publishers", facts.context.containers.publishers)
        listening |= {port: f"the container {name}" for port, name in publishers.items()}
        engine_told = facts.snapshot_or_none is not None
    except EngineError:
        engine_told = False
    return network.PortFacts(
        low,
        high,
        facts.port_owners(),
        listening,
        machine.ephemeral_ports(),
        machine.reserved_ports(),
        engine_told,
    )


def gateways_reach(facts: Facts) -> DoctorFinding:
    return reach.gateways_finding(facts.reached(), machine.public_addresses(), facts.shell)


def page_reach(facts: Facts) -> DoctorFinding:
    settings = facts.settings
    page = reach.PageFacts(
        address=f"http://{settings.host}:{settings.port}",
        here_only=is_loopback(settings.host),
        has_users=has_users(facts.context),
        proxied=bool(settings.trusted_proxy),
        public=tuple(machine.public_addresses()),
    )
    return reach.page_finding(page, facts.shell)
