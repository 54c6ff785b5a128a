"""Configure: make a new deployment's folder, with a port of its own."""

import secrets
from collections.abc import Mapping
from typing import Any

from app.core.composefile import compose_file
from app.core.deployment import Deployment
from app.core.envfile import MAX_FILE_BYTES, format_env
from app.core.errors import InputRejected
from app.core.fields import FIELDS, PORT, TOKEN, check_input
from app.core.openclaw import DEFAULT_MODEL, format_config, seed_config
from app.core.ports import subnet_of
from app.engine.host import host_names
from app.store.deployments import NewDeployment
from app.store.files import storage_errors
from app.usecases.ports import free_port, port_problem
from app.usecases.world import World

_TOKEN_BYTES = 32


def field_defaults(world: World) -> dict[str, str]:
    """Return what a field is where a person leaves it empty, by field name."""
    settings = world.settings
    return {
        "model": DEFAULT_MODEL,
        "image": settings.image,
        "memory_limit": settings.memory_limit,
        "bind_address": settings.bind_address,
    }


def configure_deployment(given: Mapping[str, Any], *, actor: str, world: World) -> Deployment:
    """Make a deployment from a person's or script's input and return it.

    Raises InputRejected, with every field's own message, or StorageFailed; in
    both cases nothing was made.
    """
    checked = check_input(given)
    if checked.errors:
        raise InputRejected(checked.errors)
    with storage_errors("The deployment was not configured."), world.store.creating():
        port = _port(checked.values.get(PORT.name), world)
        deployment_id = world.store.new_id()
        env = _env(checked.values, port, world)
        content = NewDeployment(
            env=_env_file(env),
            compose_file=compose_file(
                deployment_id, subnet_of(port, world.settings.subnet_pool)
            ).encode(),
            openclaw_config=format_config(seed_config(env, _origin_hosts(world))),
        )
        world.store.create(deployment_id, content, actor)
    return world.store.load(deployment_id)


def _env_file(env: Mapping[str, str]) -> bytes:
    data = format_env(env).encode()
    if len(data) > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 1024
        raise InputRejected({"body": f"is too large: all values together may have {limit} KiB"})
    return data


def _env(values: Mapping[str, str], port: int, world: World) -> dict[str, str]:
    """Return the variables of `.env`, in the schema's order.

    BIND_ADDRESS stands there empty too, since Compose warns of a variable that is not set.
    """
    settings = world.settings
    by_name = {
        "image": settings.image,
        "memory_limit": settings.memory_limit,
        "bind_address": settings.bind_address,
        **values,
        PORT.name: str(port),
        TOKEN.name: secrets.token_hex(_TOKEN_BYTES),
    }
    return {each.env: by_name[each.name] for each in FIELDS if each.name in by_name}


def _origin_hosts(world: World) -> list[str]:
    """Return the names under which the gateway's page may be opened, each once."""
    named = ["localhost", "127.0.0.1", world.settings.public_host, *host_names()]
    return list(dict.fromkeys(name for name in named if name))


def _port(asked: str | None, world: World) -> int:
    """Return the port that was asked for, or a free one of the range. Raises InputRejected."""
    if asked is None:
        return free_port(world)
    if problem := port_problem(int(asked), world):
        raise InputRejected({PORT.name: problem})
    return int(asked)
