"""Ports: which one a deployment may have, by all deployments, the engine, the host and its routes.

Asked within `store.creating()`, so that two deployments never get the same one.
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
    """Return a free port of the range; with `whose`, the same one while no other is taken.

    Raises InputRejected where there is none.
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
    """Return why a deployment can't have this port, or None where it can.

    `whose` is the id of one that changes its port: both that it is between are its own.
    """
    if problem := _taken(port, _owners(context, whose)):
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
    """Return who has which port: every deployment, running or not, and every container."""
    try:
        owners = {
            port: f"the container {name}" for port, name in context.containers.publishers().items()
        }
    except EngineError:
        owners = {}  # Configuring needs no engine; the host's own word still counts.
    for each in context.store.scan():
        if each.port is not None:
            named = f"{each.name} ({each.id})" if each.name else each.id
            owners[each.port] = f"the deployment {named}"
        for port in _not_settled(each) if each.id != whose else ():
            owners.setdefault(port, f"the deployment {each.name or each.id}")
    return owners


def _not_settled(deployment: Deployment) -> list[int]:
    """Return the ports between which a deployment is, where a change of it is under way.

    One that is left half done can be finished and undone, so it may come to have either.
    """
    latest = deployment.operation
    if latest is None or not (latest.state is OperationState.RUNNING or latest.can_be_resumed):
        return []
    ports = (latest.arguments.get(name, "") for name in ("port_before", "port"))
    return [int(port) for port in ports if port.isdecimal()]


def _taken(port: int, owners: Mapping[int, str]) -> str | None:
    if port in owners:
        return f"is taken by {owners[port]}"
    if port_is_free(port):
        return None
    program = listener_on(port)
    if program is None and port < 1024:
        return "may not be used by this server's user"
    return f"is taken by {program or 'another program'} on this host"
