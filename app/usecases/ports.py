"""Ports: which one a deployment may have, by all deployments, the engine, the host and its routes.

Asked within `store.creating()`, so that two deployments never get the same one.
"""

from collections.abc import Mapping

from app.core.deployment import Deployment
from app.core.errors import EngineError, InputRejected
from app.core.fields import PORT
from app.core.ports import NoFreePort, overlapping, pick_port, subnet_of
from app.engine.host import host_routes, listener_on, port_is_free
from app.usecases.world import World


def free_port(world: World) -> int:
    """Return a free port of the range. Raises InputRejected where there is none."""
    routes = host_routes()
    pool = world.settings.subnet_pool

    def is_usable(port: int) -> bool:
        return port_is_free(port) and not overlapping(subnet_of(port, pool), routes)

    try:
        return pick_port(*world.settings.port_range, _owners(world), is_usable)
    except NoFreePort:
        raise InputRejected({PORT.name: _no_port(world)}) from None


def port_problem(port: int, world: World) -> str | None:
    """Return why a deployment can't have this port, or None where it can."""
    if problem := _taken(port, _owners(world)):
        return problem
    subnet = subnet_of(port, world.settings.subnet_pool)
    if route := overlapping(subnet, host_routes()):
        return (
            f"belongs to the network {subnet}, which overlaps this host's route to {route};"
            " choose another port"
        )
    return None


def _no_port(world: World) -> str:
    low, high = world.settings.port_range
    return (
        f"no port of {low}-{high} is free, or this host's routes overlap all networks of"
        f" {world.settings.subnet_pool}; DEPLOY_AGENT_PORT_RANGE and DEPLOY_AGENT_SUBNET_POOL"
        " set both"
    )


def _owners(world: World) -> dict[int, str]:
    """Return who has which port: every deployment, running or not, and every container."""
    try:
        owners = {
            port: f"the container {name}" for port, name in world.containers.publishers().items()
        }
    except EngineError:
        owners = {}  # Configuring needs no engine; the host's own word still counts.
    for each in world.store.scan():
        if each.port is not None:
            named = f"{each.name} ({each.id})" if each.name else each.id
            owners[each.port] = f"the deployment {named}"
        if port := _about_to_have(each):
            owners[port] = f"the deployment {each.name or each.id}"
    return owners


def _about_to_have(deployment: Deployment) -> int | None:
    """Return the port that an operation under way is giving to a deployment."""
    running = deployment.running_operation
    port = running.arguments.get("port", "") if running else ""
    return int(port) if port.isdecimal() else None


def _taken(port: int, owners: Mapping[int, str]) -> str | None:
    if port in owners:
        return f"is taken by {owners[port]}"
    if port_is_free(port):
        return None
    program = listener_on(port)
    if program is None and port < 1024:
        return "may not be used by this server's user"
    return f"is taken by {program or 'another program'} on this host"
