"""The doctor's checks of Docker Engine and of the host."""

from datetime import UTC, datetime
from pathlib import Path

from app.config import PROJECT
from app.core.doctor import engine, host, images
from app.core.doctor.finding import DoctorFinding
from app.core.errors import EngineError
from app.engine.client import docker_environment
from app.engine.compose import compose_version
from app.engine.host import machine
from app.engine.host.network import available_memory, total_memory
from app.usecases.doctor.facts import Facts
from app.usecases.doctor.network import network_facts, port_facts
from app.usecases.status.capacity import capacity_for

_UNITS = ("docker.service", "docker.socket")


def engine_answers(facts: Facts) -> DoctorFinding:
    address = facts.context.address
    try:
        info = facts.info
    except EngineError as error:
        found = engine.EngineFacts(address, trouble=error.code, words=error.detail)
    else:
        found = engine.EngineFacts(address, info.version, info.api_version, info.system)
    return engine.engine_finding(found, facts.shell)


def compose(facts: Facts) -> DoctorFinding:
    version = compose_version(docker_environment(PROJECT, facts.context.address))
    return engine.compose_finding(version, facts.shell)


def socket(facts: Facts) -> DoctorFinding:
    return engine.socket_finding(machine.socket_facts(facts.context.address), facts.shell)


def tcp(facts: Facts) -> DoctorFinding:
    said = engine.addresses_in(facts.info.warnings)
    addresses = sorted({*machine.engine_ports(facts.listeners), *said})
    return engine.tcp_finding(addresses, facts.shell)


def limits(facts: Facts) -> DoctorFinding:
    return engine.limits_finding(facts.info.limits_memory, facts.info.limits_processes)


def boot(facts: Facts) -> DoctorFinding:
    running = facts.running_gateways()
    policies = facts.of_engine(
        "policies", lambda: facts.context.about.restart_policies([one.id for _, one in running])
    )
    found = engine.BootFacts(
        enabled=machine.starts_at_boot(*_UNITS) if facts.is_host_engine else None,
        live_restore=facts.info.live_restore,
        policies=tuple((one.name, policies[one.id]) for _, one in running if one.id in policies),
    )
    return engine.boot_finding(found, facts.shell)


def image(facts: Facts) -> DoctorFinding:
    reference = facts.settings.image
    image = facts.of_engine("image", lambda: facts.context.about.image(reference))
    return images.image_finding(image, datetime.now(UTC), facts.shell)


def images_of_deployments(facts: Facts) -> DoctorFinding:
    users: dict[str, list[str]] = {}
    for each in facts.deployments:
        reference = each.env.get("OPENCLAW_IMAGE", "")
        if reference and reference != facts.settings.image:
            users.setdefault(reference, []).append(each.label_with_id)
    found = facts.of_engine(
        "images", lambda: [facts.context.about.image(each) for each in sorted(users)]
    )
    return images.images_finding(found, users, datetime.now(UTC), facts.shell)


def disk(facts: Facts) -> DoctorFinding:
    return host.disk_finding(host.DISK, machine.disk_of(facts.context.store.root), facts.shell)


def disk_engine(facts: Facts) -> DoctorFinding:
    disk = machine.disk_of(Path(facts.info.data_root))
    return host.disk_finding(host.DISK_ENGINE, disk, facts.shell)


def memory(facts: Facts) -> DoctorFinding:
    try:
        running: tuple[host.GatewayMemory, ...] | None = facts.gateway_memory()
    except EngineError:
        running = None
    return host.memory_finding(host.Memory(total_memory(), available_memory(), running))


def room(facts: Facts) -> DoctorFinding:
    try:
        running = facts.gateway_memory()
    except EngineError:
        running = ()
    ports = min(port_facts(facts).free, network_facts(facts).left)
    found = capacity_for([each.used for each in running], len(running), facts.context, ports)
    return host.room_finding(found, facts.shell)


def gateway_memory(facts: Facts) -> DoctorFinding:
    return host.gateway_memory_finding(facts.gateway_memory(), facts.shell)


def clock(facts: Facts) -> DoctorFinding:
    try:
        ahead = facts.info.ahead
    except EngineError:
        ahead = None
    found = host.HostClock(ahead, machine.clock_is_synchronized())
    return host.clock_finding(found, facts.shell)
