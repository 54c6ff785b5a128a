"""A request to change a deployment's settings, and its check against newer changes of the files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.deployment import Deployment
from app.core.errors import DeploymentInvalid, InputRejected, StaleForm
from app.core.settings.env_file import MAX_FILE_BYTES
from app.core.settings.env_parser import EnvFileError
from app.core.settings.fields import BY_NAME, FIELDS
from app.core.settings.file_changes import DeploymentFiles
from app.core.settings.fingerprints import (
    InvalidFingerprint,
    changed_since,
    fingerprint_of,
    has_value,
)
from app.store.deployment_files import ENV_FILE, problem_of_folders, read_compose_file
from app.store.files import Unreadable, raise_shortage, read_file
from app.usecases.context import AppContext, signing_key


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """New values by field name, and the names of fields to remove.

    `fingerprint` identifies the files on which the request is based. If the files have changed
    since, the request is stale. An empty fingerprint skips that check.
    """

    given: Mapping[str, Any] = field(repr=False)
    remove: Sequence[str] = ()
    fingerprint: str = ""


def unchanged_request(deployment_id: str, *, context: AppContext) -> ChangeRequest:
    """Return a request that changes nothing: the current value of each field but secrets.

    Raises NotFound, DeploymentInvalid.
    """
    files = read_files(context.store.load(deployment_id), context=context)
    env = files.values
    given = {each.name: env.get(each.env, "") for each in FIELDS if not each.secret}
    return ChangeRequest(given, fingerprint=fingerprint_files(files, signing_key(context)))


def refresh_stale_request(
    deployment_id: str, request: ChangeRequest, *, context: AppContext
) -> tuple[ChangeRequest, dict[str, str]]:
    """Return a stale request based on the current files, and its conflicts by field name.

    A field that was not changed in the form gets the file's new value. If a field was changed in
    the form and in the file, the typed value stays, and the conflict names the file's value. Raises
    NotFound, DeploymentInvalid.
    """
    files, key = (
        read_files(context.store.load(deployment_id), context=context),
        signing_key(context),
    )
    env, given, conflicts = files.values, dict(request.given), {}
    for name, typed in request.given.items():
        known = BY_NAME.get(name)
        if known is None or known.secret:
            continue
        now = env.get(known.env, "")
        if has_value(request.fingerprint, known.env, str(typed), key):
            given[name] = now
        elif not has_value(request.fingerprint, known.env, now, key) and now != typed:
            conflicts[name] = (
                f"Somebody changed this field to {now}." if now else "Somebody emptied this field."
            )
    return ChangeRequest(given, request.remove, fingerprint_files(files, key)), conflicts


def refuse_stale(request: ChangeRequest, files: DeploymentFiles, key: bytes) -> None:
    """Raise StaleForm if the files have changed since the request; InputRejected."""
    if not request.fingerprint:
        return
    try:
        changed = changed_since(request.fingerprint, files.values, files.compose or "", key)
    except InvalidFingerprint:
        raise InputRejected({"seen": "must be the `seen` of a preview"}) from None
    if changed:
        raise StaleForm(changed)


def read_files(deployment: Deployment, *, context: AppContext) -> DeploymentFiles:
    """Return a deployment's current files. Raises DeploymentInvalid."""
    folder = context.store.folder(deployment.id)
    try:
        if deployment.problem and not deployment.env:
            raise Unreadable(deployment.problem)
        if problem := problem_of_folders(folder):
            raise Unreadable(problem)
        files = DeploymentFiles(
            read_file(folder / ENV_FILE, MAX_FILE_BYTES), read_compose_file(folder)
        )
        files.values  # noqa: B018 - raises here if `.env` can't be parsed
    except (OSError, Unreadable, EnvFileError) as error:
        raise_shortage(error)
        raise DeploymentInvalid(
            f"Nothing was changed: {deployment.problem or error}. Correct that in {folder} by hand."
        ) from None
    return files


def fingerprint_files(files: DeploymentFiles, key: bytes) -> str:
    return fingerprint_of(files.values, files.compose or "", key)
