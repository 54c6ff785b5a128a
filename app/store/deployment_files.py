"""Read a deployment's folder. Problems are reported, and nothing is changed."""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.deployment import Deployment
from app.core.secrets import secret_values, secrets_in_text
from app.core.settings.env_file import MAX_FILE_BYTES, parse_env, value_on_its_own_line
from app.core.settings.env_parser import EnvFileError
from app.core.settings.fields import NAME
from app.core.settings.fingerprints import InvalidFingerprint, changed_since, keys_affecting_gateway
from app.core.updates.journal import UpdateStage
from app.store import history
from app.store.applied_settings import read_applied
from app.store.data_folders import FOLDERS
from app.store.files import AGENT_DIR, Unreadable, raise_shortage, read_file
from app.store.operations import latest, latest_launch_or_stop
from app.store.update_files import read_journal

ENV_FILE = ".env"
COMPOSE_FILE = "docker-compose.yml"


def read_deployment(folder: Path, deployment_id: str) -> Deployment:
    """Return a deployment. If the folder is invalid, the deployment's `problem` says why, so that
    one invalid folder never breaks the list.

    Raises OSError only if the system is short of resources.
    """
    if folder.is_symlink():
        return Deployment(
            deployment_id, str(folder), problem="its folder is a link, which is not followed"
        )
    try:
        return _read(folder, deployment_id)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise_shortage(error)
        said = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        problem = f"its folder can't be read: {said}"
        return Deployment(deployment_id, str(folder), problem=problem)


def _read(folder: Path, deployment_id: str) -> Deployment:
    env, secrets, problem = _read_env(folder)
    problem = problem or problem_of_folders(folder)
    port = _port(env)
    if problem is None and port is None:
        problem = "its .env has no usable PORT" if env.get("PORT") else "its .env has no PORT"
    operation = latest(folder)
    decides = operation is None or operation.decides_whether_up
    settled = operation if decides else latest_launch_or_stop(folder)
    return Deployment(
        id=deployment_id,
        folder=str(folder),
        env=env,
        port=port,
        problem=problem,
        secrets=tuple(secrets),
        has_compose_file=_is_regular_file(folder / COMPOSE_FILE),
        interrupted_update=_interrupted_update(folder),
        configured_here=settled is None and _configured_here(folder),
        operation=operation,
        earlier=None if decides else settled,
        **_applied(folder, env),
    )


def problem_of_folders(folder: Path) -> str | None:
    """Return the problem of a subfolder that is a link or a file, or None. A subfolder may be
    missing: it is created when needed."""
    for name in (AGENT_DIR, *FOLDERS):
        with suppress(FileNotFoundError):
            mode = os.lstat(folder / name).st_mode
            if stat.S_ISLNK(mode):
                return f"its {name} is a link, which is not followed"
            if not stat.S_ISDIR(mode):
                return f"its {name} is no folder"
    return None


def _applied(folder: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """Return the files' change times, and the settings changed since the last apply."""
    found: dict[str, Any] = {
        "env_at": _changed_at(folder / ENV_FILE),
        "compose_at": _changed_at(folder / COMPOSE_FILE),
    }
    applied = read_applied(folder)
    if applied is None:
        return found
    compose_file = read_compose_file(folder) or ""
    try:
        differing = changed_since(applied.mark, env, compose_file, applied.salt.encode())
    except InvalidFingerprint:
        return found
    changed = keys_affecting_gateway(differing, compose_file)
    return {**found, "applied_to": applied.container, "changed": changed}


def read_compose_file(folder: Path) -> str | None:
    """Return the text of the compose file; None if it is missing or not readable as text."""
    try:
        return read_file(folder / COMPOSE_FILE).decode()
    except (OSError, Unreadable, UnicodeDecodeError) as error:
        raise_shortage(error)
        return None


def _changed_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    except OSError:
        return None


def _configured_here(folder: Path) -> bool:
    return any(entry.get("what") == "configure" for entry in history.newest_first(folder))


def _interrupted_update(folder: Path) -> str:
    try:
        journal = read_journal(folder)
    except ValueError:
        return "another image"
    return journal.image if journal and journal.step is not UpdateStage.PROVEN else ""


def _read_env(folder: Path) -> tuple[Mapping[str, str], list[str], str | None]:
    """Return the variables of `.env`, the secret values, and the problem or None."""
    try:
        data = read_file(folder / ENV_FILE, MAX_FILE_BYTES)
    except FileNotFoundError:
        return {}, [], "it has no .env"
    except Unreadable as error:
        return {}, [], f"its .env {error}"
    try:
        env = parse_env(data)
    except EnvFileError as error:
        secrets = secrets_in_text(data.decode(errors="replace"))
        # People look for a deployment by its name, whose line is hardly ever the damaged line.
        name = value_on_its_own_line(data, NAME.env)
        known = {NAME.env: name} if name else {}
        return known, secrets, f"its .env can't be understood: {error}"
    return env, secret_values(env), None


def _port(env: Mapping[str, str]) -> int | None:
    text = env.get("PORT", "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        return None
    return int(text) if 1 <= int(text) <= 65535 else None


def _is_regular_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
