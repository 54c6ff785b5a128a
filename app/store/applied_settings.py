"""The settings applied to a deployment's container, as a fingerprint without values."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from app.core.records import read_record, record_to_json
from app.core.settings.fingerprints import AppliedSettings, fingerprint_of
from app.store.file_writes import write_file
from app.store.files import AGENT_DIR, Unreadable, agent_dir, raise_shortage, read_file

FILE = "applied.json"


def applied_now(container: str, env: Mapping[str, str], compose_file: str) -> AppliedSettings:
    """Return the record that these files are applied to a container. The container's id is empty
    if the container does not exist yet.
    """
    salt = secrets.token_hex(16)
    return AppliedSettings(container, salt, fingerprint_of(env, compose_file, salt.encode()))


def read_applied(folder: Path) -> AppliedSettings | None:
    """Return the record of the settings applied last; None if missing or damaged."""
    try:
        return read_record(AppliedSettings, read_file(folder / AGENT_DIR / FILE))
    except (OSError, Unreadable, ValueError) as error:
        raise_shortage(error)
        return None


def write_applied(folder: Path, applied: AppliedSettings) -> None:
    """Write the record of the applied settings. Raises OSError."""
    write_file(agent_dir(folder) / FILE, record_to_json(applied))


def applied_file(folder: Path) -> bytes:
    """Return the record's bytes, for a later `put_applied`; empty without a record."""
    try:
        return read_file(folder / AGENT_DIR / FILE)
    except (FileNotFoundError, Unreadable):
        return b""


def put_applied(folder: Path, data: bytes) -> None:
    """Restore the record from the bytes of `applied_file`. Raises OSError."""
    path = agent_dir(folder) / FILE
    if data:
        write_file(path, data)
    else:
        path.unlink(missing_ok=True)
