"""Plan: what a wish to change a deployment comes to, before anything is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.deployment import Deployment
from app.core.errors import DeploymentInvalid, EngineError, InputRejected, StaleForm
from app.core.secrets import secret_values
from app.core.settings.drift import drift_of
from app.core.settings.env_file import MAX_FILE_BYTES
from app.core.settings.env_parser import EnvFileError
from app.core.settings.fields import BY_NAME, FIELDS, PORT
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
from app.core.settings.fingerprints import (
    InvalidFingerprint,
    changed_since,
    fingerprint_of,
    has_value,
    keys_affecting_gateway,
)
from app.core.snapshot import Container
from app.store.deployment_files import ENV_FILE, problem_of_folders, read_compose_file
from app.store.files import Unreadable, raise_shortage, read_file
from app.usecases.context import AppContext, signing_key
from app.usecases.settings.configure import field_defaults
from app.usecases.settings.ports import free_port, port_problem

# Where an emptied field has a value of its own in `.env`.
_WITH_FALLBACK = ("image", "memory_limit", "bind_address")


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """What is asked for: fields by name, names of those to be removed, and the mark of the
    files that it was made from; empty where that does not matter."""

    given: Mapping[str, Any] = field(repr=False)
    remove: Sequence[str] = ()
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a wish comes to. `restart` are the labels of what the running container has
    differently; `problem` says why it is not known whether it runs."""

    deployment: Deployment
    before: DeploymentFiles
    after: DeploymentFiles
    changes: tuple[SettingChange, ...]
    told: tuple[ShownChange, ...]
    diff: tuple[str, ...]
    by_hand: tuple[str, ...]
    runs: bool
    restart: tuple[str, ...]
    seen: str
    problem: str = ""


def plan_reconfiguration(
    deployment_id: str, wish: ChangeRequest, *, context: AppContext, key: bytes | None = None
) -> Plan:
    """Return what a wish would change; nothing is written.

    `key` is the signing key, for who holds the lock under which it is read.
    Raises NotFound, DeploymentInvalid, InputRejected, Stale.
    """
    key = key or signing_key(context)
    deployment = context.store.load(deployment_id)
    before = files_of(deployment, context=context)
    _refuse_stale(wish, before, key)
    asked = check_changes(wish.given, wish.remove, before.values, _fallbacks(context))
    if asked.errors:
        raise InputRejected(asked.errors)
    after = _with_changes(before, asked.values, context)
    changes = changes_between(before.values, after.values)
    gateway, problem = _gateway(deployment, context)
    secrets = secret_values(before.values) + secret_values(after.values)
    _refuse_port(deployment, changes, after, gateway, context)
    return Plan(
        deployment=deployment,
        before=before,
        after=after,
        changes=changes,
        told=shown_changes(changes, secrets),
        diff=compose_diff(before, after, secrets),
        by_hand=manual_steps(changes, before, after),
        runs=bool(gateway),
        restart=_differing(deployment, gateway, changes, before, after),
        seen=fingerprint_of(before.values, before.compose or "", key),
        problem=problem,
    )


def describe_plan(plan: Plan) -> dict[str, Any]:
    """Return a plan as scripts get it."""
    return {
        "deployment_id": plan.deployment.id,
        "changes": [
            {
                "field": each.name,
                "env": each.env,
                "what": each.what,
                "before": each.before,
                "after": each.after,
            }
            for each in plan.told
        ],
        "runs": None if plan.problem else plan.runs,
        "restart": list(plan.restart),
        "diff": "\n".join(plan.diff),
        "by_hand": list(plan.by_hand),
        "seen": plan.seen,
    }


def refresh_stale_request(
    deployment_id: str, wish: ChangeRequest, *, context: AppContext
) -> tuple[ChangeRequest, dict[str, str]]:
    """Return a stale wish brought up to the files as they are now, and what of it is in doubt.

    A field that nobody touched in the form follows the files. Where both the form and the
    file have another value, what was typed stays, and the file's is told by field name.
    Raises NotFound, DeploymentInvalid.
    """
    files, key = files_of(context.store.load(deployment_id), context=context), signing_key(context)
    env, given, doubts = files.values, dict(wish.given), {}
    for name, typed in wish.given.items():
        known = BY_NAME.get(name)
        if known is None or known.secret:
            continue
        now = env.get(known.env, "")
        if has_value(wish.seen, known.env, str(typed), key):
            given[name] = now
        elif not has_value(wish.seen, known.env, now, key) and now != typed:
            doubts[name] = (
                f"Meanwhile it was changed to {now}." if now else "It was emptied meanwhile."
            )
    return ChangeRequest(given, wish.remove, fingerprint_of(env, files.compose or "", key)), doubts


def unchanged_request(deployment_id: str, *, context: AppContext) -> ChangeRequest:
    """Return the wish that changes nothing: each field that is no secret as it is now.

    Raises NotFound, DeploymentInvalid.
    """
    files = files_of(context.store.load(deployment_id), context=context)
    env = files.values
    given = {each.name: env.get(each.env, "") for each in FIELDS if not each.secret}
    return ChangeRequest(given, seen=fingerprint_of(env, files.compose or "", signing_key(context)))


def files_of(deployment: Deployment, *, context: AppContext) -> DeploymentFiles:
    """Return a deployment's files as they are. Raises DeploymentInvalid."""
    folder = context.store.folder(deployment.id)
    try:
        if deployment.problem and not deployment.env:
            raise Unreadable(deployment.problem)
        if problem := problem_of_folders(folder):
            raise Unreadable(problem)
        files = DeploymentFiles(
            read_file(folder / ENV_FILE, MAX_FILE_BYTES), read_compose_file(folder)
        )
        files.values  # noqa: B018 - read once, so that it is understood from here on
    except (OSError, Unreadable, EnvFileError) as error:
        raise_shortage(error)
        raise DeploymentInvalid(
            f"Nothing was changed: {deployment.problem or error}. Correct that in {folder} by hand."
        ) from None
    return files


def _refuse_stale(wish: ChangeRequest, files: DeploymentFiles, key: bytes) -> None:
    """Raises Stale where files are not what they were when a wish was made, InputRejected."""
    if not wish.seen:
        return
    try:
        changed = changed_since(wish.seen, files.values, files.compose or "", key)
    except InvalidFingerprint:
        raise InputRejected({"seen": "is not what a preview answered"}) from None
    if changed:
        raise StaleForm(changed)


def _fallbacks(context: AppContext) -> dict[str, str]:
    defaults = field_defaults(context)
    return {name: defaults[name] for name in _WITH_FALLBACK}


def _with_changes(
    files: DeploymentFiles, values: Mapping[str, str | None], context: AppContext
) -> DeploymentFiles:
    after = files
    for key, value in values.items():
        try:
            after = with_changes(after, {key: value}, context.settings.subnet_pool)
        except EnvFileError:
            name = SettingChange(key, None, value).name
            raise InputRejected(
                {name: "can't be changed where it stands in .env; change it there by hand"}
            ) from None
    if len(after.env) > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 1024
        raise InputRejected({"body": f"is too large: all values together may have {limit} KiB"})
    return after


def _refuse_port(
    deployment: Deployment,
    changes: Sequence[SettingChange],
    after: DeploymentFiles,
    gateway: Container | None,
    context: AppContext,
) -> None:
    """Raises InputRejected where the deployment can't have its new port, with one that it can."""
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


def _gateway(deployment: Deployment, context: AppContext) -> tuple[Container | None, str]:
    """Return the container where it is up, or why that is not known."""
    try:
        gateway = deployment.gateway_in(context.containers.of(deployment.id))
    except EngineError as error:
        return None, error.detail
    return (gateway if gateway and gateway.is_up else None), ""


def _differing(
    deployment: Deployment,
    gateway: Container | None,
    changes: Sequence[SettingChange],
    before: DeploymentFiles,
    after: DeploymentFiles,
) -> tuple[str, ...]:
    """Return, in words, what the container that is up has differently from the files to be."""
    if gateway is None:
        return ()
    changed = [each.env for each in changes]
    if before.compose != after.compose:
        changed.append("docker-compose.yml")
    reaching = keys_affecting_gateway(tuple(changed), after.compose or "")
    drifted = drift_of(deployment, gateway)
    return tuple(dict.fromkeys(map(label_of, (*reaching, *drifted))))
