"""The plan of a reconfiguration: the changes that a request would make, computed beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.deployment import Deployment
from app.core.errors import EngineError, InputRejected
from app.core.secrets import secret_values
from app.core.settings.env_parser import EnvFileError
from app.core.settings.fields import PORT
from app.core.settings.file_changes import (
    DeploymentFiles,
    SettingChange,
    ShownChange,
    changes_between,
    check_changes,
    compose_diff,
    label_of,
    manual_steps,
    shown_changes,
    with_changes,
)
from app.core.settings.fingerprints import drift_of, keys_affecting_gateway
from app.core.snapshot import Container
from app.usecases.context import AppContext, signing_key
from app.usecases.settings.change_request import (
    ChangeRequest,
    fingerprint_files,
    read_files,
    refuse_stale,
)
from app.usecases.settings.configure import refuse_too_large, server_defaults
from app.usecases.settings.ports import free_port, port_problem


@dataclass(frozen=True, slots=True)
class ReconfigurePlan:
    """What a change request would do.

    `shown_changes`: the changes without secrets. `diff`: the changes of the compose file.
    `restart`: the labels of settings that the running container does not have yet. `fingerprint`:
    of the files before the change. `problem`: why the gateway's state is unknown.
    """

    deployment: Deployment
    before: DeploymentFiles
    after: DeploymentFiles
    changes: tuple[SettingChange, ...]
    shown_changes: tuple[ShownChange, ...]
    diff: tuple[str, ...]
    by_hand: tuple[str, ...]
    runs: bool
    restart: tuple[str, ...]
    fingerprint: str
    problem: str = ""


def plan_reconfiguration(
    deployment_id: str, request: ChangeRequest, *, context: AppContext, key: bytes | None = None
) -> ReconfigurePlan:
    """Return the changes that a request would make; write nothing.

    `key` is the signing key. Callers that hold the creation lock must pass it, since reading the
    key takes the same lock. Raises NotFound, DeploymentInvalid, InputRejected, StaleForm.
    """
    key = key or signing_key(context)
    deployment = context.store.load(deployment_id)
    before = read_files(deployment, context=context)
    refuse_stale(request, before, key)
    after = _requested_files(request, before, context)
    changes = changes_between(before.values, after.values)
    gateway, problem = _running_gateway(deployment, context)
    secrets = secret_values(before.values) + secret_values(after.values)
    _check_port(deployment, changes, after, gateway, context)
    return ReconfigurePlan(
        deployment=deployment,
        before=before,
        after=after,
        changes=changes,
        shown_changes=shown_changes(changes, secrets),
        diff=compose_diff(before, after, secrets),
        by_hand=manual_steps(changes, before, after),
        runs=bool(gateway),
        restart=_restart_labels(deployment, gateway, changes, before, after),
        fingerprint=fingerprint_files(before, key),
        problem=problem,
    )


def _requested_files(
    request: ChangeRequest, before: DeploymentFiles, context: AppContext
) -> DeploymentFiles:
    """Return the files with the requested changes. Raises InputRejected."""
    defaults = server_defaults(context)
    checked = check_changes(request.given, request.remove, before.values, defaults)
    if checked.errors:
        raise InputRejected(checked.errors)
    after = before
    for key, value in checked.values.items():
        try:
            after = with_changes(after, {key: value}, context.settings.subnet_pool)
        except EnvFileError:
            name = SettingChange(key, None, value).name
            raise InputRejected(
                {name: "can't be changed at its place in .env; edit the file by hand"}
            ) from None
    refuse_too_large(after.env)
    return after


def _check_port(
    deployment: Deployment,
    changes: Sequence[SettingChange],
    after: DeploymentFiles,
    gateway: Container | None,
    context: AppContext,
) -> None:
    """Raise InputRejected if the deployment can't have its new port; suggest a free port."""
    port = after.values.get(PORT.env, "")
    own = {str(each.port) for each in gateway.ports} if gateway else set()
    if any(each.env == PORT.env for each in changes) and port not in own:
        problem = (
            port_problem(int(port), context, deployment.id) if port.isdecimal() else "is no port"
        )
    else:
        problem = None if port else "is needed"
    if problem:
        free = free_port(context)
        raise InputRejected({PORT.name: f"{problem}; {free} is free"}, {"free_port": free})


def _running_gateway(deployment: Deployment, context: AppContext) -> tuple[Container | None, str]:
    """Return the gateway's container if up, else None; and why its state is unknown, if so."""
    try:
        gateway = deployment.gateway_in(context.containers.of(deployment.id))
    except EngineError as error:
        return None, error.detail
    return (gateway if gateway and gateway.is_up else None), ""


def _restart_labels(
    deployment: Deployment,
    gateway: Container | None,
    changes: Sequence[SettingChange],
    before: DeploymentFiles,
    after: DeploymentFiles,
) -> tuple[str, ...]:
    """Return the labels of all settings that the running container would need a restart for."""
    if gateway is None:
        return ()
    changed = [each.env for each in changes]
    if before.compose != after.compose:
        changed.append("docker-compose.yml")
    affecting = keys_affecting_gateway(tuple(changed), after.compose or "")
    drifted = drift_of(deployment, gateway)
    return tuple(dict.fromkeys(map(label_of, (*affecting, *drifted))))
