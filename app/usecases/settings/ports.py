"""Ports: choose a free port, or say why a port can't be used.

Call these functions within `store.creation_lock()`, so that two deployments never get the same
port.
"""

from collections.abc import Mapping
from random import Random

from app.core.deployment import Deployment
from app.core.errors import EngineError, InputRejected
from app.core.operations.operation import OperationState
from app.core.settings.fields import PORT
from app.core.settings.ports import NoFreePort, overlapping, pick_port, subnet_of
from app.engine.host.network import host_routes, listener_on, port_is_free
from app.usecases.context import AppContext


def free_port(context: AppContext, whose: str = "") -> int:
    """Return a free port of the range. Calls with the same id `whose` prefer the same port.

    Raises InputRejected if no port is free.
    """
    routes = host_routes()
    pool = context.settings.subnet_pool

    def is_usable(port: int) -> bool:
        return port_is_free(port) and not overlapping(subnet_of(port, pool), routes)

    try:
        random = Random(whose) if whose else None  # noqa: S311 - no secret
        return pick_port(*context.settings.port_range, _owners(context), is_usable, random)
    except NoFreePort:
        raise InputRejected({PORT.name: _no_port(context)}) from None


def port_problem(port: int, context: AppContext, whose: str = "") -> str | None:
    """Return why a deployment can't have this port, or None if it can.

    `whose` is the id of a deployment that changes its port; it may use both the old and the new
    port.
    """
    if problem := _owner_problem(port, _owners(context, whose)):
        return problem
    subnet = subnet_of(port, context.settings.subnet_pool)
    if route := overlapping(subnet, host_routes()):
        return (
            f"belongs to the network {subnet}, which overlaps this host's route to {route};"
            " choose another port"
        )
    return None


def _no_port(context: AppContext) -> str:
    low, high = context.settings.port_range
    return (
        f"no port of {low}-{high} is free, or this host's routes overlap all networks of"
        f" {context.settings.subnet_pool}; DEPLOY_AGENT_PORT_RANGE and DEPLOY_AGENT_SUBNET_POOL"
        " set both"
    )


def _owners(context: AppContext, whose: str = "") -> dict[int, str]:
    """Return the owner of each port: a deployment, even if down, or a container."""
    try:
        owners = {
            port: f"the container {name}" for port, name in context.containers.publishers().items()
        }
    except EngineError:
        owners = {}  # Configuring needs no engine. The host's listeners are checked separately.
    for each in context.store.scan():
        if each.port is not None:
            owners[each.port] = f"the deployment {each.label_with_id}"
        for port in _changing_ports(each) if each.id != whose else ():
            owners.setdefault(port, f"the deployment {each.label}")
    return owners


def _changing_ports(deployment: Deployment) -> list[int]:
    """Return the old and the new port of a deployment whose port is being changed.

    A half-done change can be finished or undone, so both ports stay reserved.
    """
    latest = deployment.operation
    if latest is None or not (latest.state is OperationState.RUNNING or latest.can_be_resumed):
        return []
    ports = (latest.arguments.get(name, "") for name in ("port_before", "port"))
    return [int(port) for port in ports if port.isdecimal()]


def _owner_problem(port: int, owners: Mapping[int, str]) -> str | None:
    if port in owners:
        return f"is taken by {owners[port]}"
    if port_is_free(port):
        return None
    program = listener_on(port)
    if program is None and port < 1024:
        return "may not be used by this server's user"
    return f"is taken by {program or 'another program'} on this host"
