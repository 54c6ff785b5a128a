"""Configure: create a new deployment's folder, with a port of its own."""

import secrets
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

from app.core.deployment import Deployment
from app.core.errors import FormAlreadySent, InputRejected
from app.core.settings.compose_file import compose_file
from app.core.settings.env_file import MAX_FILE_BYTES, format_env
from app.core.settings.field_checks import CheckedInput, check_input
from app.core.settings.fields import FIELDS, PORT, TOKEN
from app.core.settings.openclaw_config import DEFAULT_MODEL, format_config, seed_config
from app.core.settings.ports import subnet_of
from app.engine.host.network import host_names
from app.store.deployments import DeploymentContent
from app.store.storage_errors import storage_errors
from app.usecases.context import AppContext
from app.usecases.settings.clone_settings import (
    CloneSource,
    record_copied_secrets,
    with_cloned_settings,
)
from app.usecases.settings.ports import free_port, port_problem

_TOKEN_BYTES = 32


def field_defaults(context: AppContext) -> dict[str, str]:
    """Return the default values of empty fields, by field name."""
    return {"model": DEFAULT_MODEL, **server_defaults(context)}


def server_defaults(context: AppContext) -> dict[str, str]:
    """Return the defaults that are written into `.env`, by field name."""
    settings = context.settings
    return {
        "image": settings.image,
        "memory_limit": settings.memory_limit,
        "bind_address": settings.bind_address,
    }


def new_form_id(context: AppContext) -> str:
    """Return a form's id, later the deployment's: a form sent twice creates one deployment."""
    return context.store.new_id()


def configure_deployment(
    given: Mapping[str, Any],
    *,
    actor: str,
    context: AppContext,
    deployment_id: str | None = None,
    like: CloneSource | None = None,
) -> Deployment:
    """Create a deployment from the input of a person or script, and return the deployment.

    `deployment_id` is the form's id, so that a form sent twice creates only one deployment. `like`
    is a deployment whose settings replace missing ones.

    Raises InputRejected with a message for each wrong field, FormAlreadySent, NotFound,
    DeploymentInvalid or StorageFailed. After any error, nothing was created.
    """
    given, copied = with_cloned_settings(given, like, context=context)
    checked = check_input(given)
    if checked.errors:
        raise InputRejected(problems_of(checked, context=context))
    with storage_errors("The deployment was not configured."), context.store.creation_lock():
        if deployment_id and context.store.has(deployment_id):
            raise FormAlreadySent(deployment_id)
        deployment_id = deployment_id or context.store.new_id()
        port = _port(checked.values.get(PORT.name), context)
        env = env_variables(checked.values, str(port), secrets.token_hex(_TOKEN_BYTES), context)
        subnet = subnet_of(port, context.settings.subnet_pool)
        content = deployment_content(env, deployment_id, subnet, context)
        refuse_too_large(content.env)
        record_copied_secrets(like, copied, deployment_id, actor=actor, context=context)
        context.store.create(deployment_id, content, actor)
    return context.store.load(deployment_id)


def problems_of(checked: CheckedInput, *, context: AppContext) -> dict[str, str]:
    """Return the problem of each field, including a taken port."""
    problems = dict(checked.errors)
    if requested := checked.values.get(PORT.name):
        problem = port_problem(int(requested), context)
        problems |= {PORT.name: problem} if problem else {}
    return problems


def env_variables(
    values: Mapping[str, str], port: str, token: str, context: AppContext
) -> dict[str, str]:
    """Return the variables of `.env` in the schema's order.

    An empty BIND_ADDRESS is included, since Compose warns about variables that are not set.
    """
    by_name = {**server_defaults(context), **values, PORT.name: port, TOKEN.name: token}
    return {each.env: by_name[each.name] for each in FIELDS if each.name in by_name}


def deployment_content(
    env: Mapping[str, str], deployment_id: str, subnet: IPv4Network | str, context: AppContext
) -> DeploymentContent:
    """Return the files of a deployment with these variables."""
    return DeploymentContent(
        env=format_env(env).encode(),
        compose_file=compose_file(deployment_id, subnet).encode(),
        openclaw_config=format_config(seed_config(env, _origin_hosts(context))),
    )


def refuse_too_large(env: bytes) -> None:
    """Raise InputRejected if `.env` would be larger than the limit for reading it."""
    if len(env) > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 1024
        raise InputRejected({"body": f"is too large: all values together may have {limit} KiB"})


def _origin_hosts(context: AppContext) -> Sequence[str]:
    """Return the host names under which a browser may open the gateway's page."""
    named = ["localhost", "127.0.0.1", context.settings.public_host, *host_names()]
    return list(dict.fromkeys(name for name in named if name))


def _port(requested: str | None, context: AppContext) -> int:
    """Return the requested port, or a free one. Raises InputRejected."""
    if requested is None:
        return free_port(context)
    if problem := port_problem(int(requested), context):
        raise InputRejected({PORT.name: problem})
    return int(requested)
