"""The key by which gateways know this Deploy Agent, created when it is first needed."""

import base64
import binascii
import json
import secrets
from pathlib import Path

from app.core.errors import StorageFailed
from app.core.records import read_json
from app.store.file_writes import write_file
from app.store.files import AGENT_DIR, Unreadable, read_file
from app.store.locks import waiting_for
from app.store.storage_errors import storage_errors

_BYTES = 32


def device_seed(root: Path) -> bytes:
    """Return the seed of our device key; all servers on a deployments folder share it.

    A damaged file is replaced: gateways then see a new device.
    Raises StorageFailed.
    """
    with storage_errors("No device key was created."):
        ours = root / AGENT_DIR
        ours.mkdir(mode=0o700, parents=True, exist_ok=True)
        with waiting_for(ours):
            path = ours / "device.json"
            try:
                seed = _parse(read_file(path))
            except FileNotFoundError:
                seed = None
            except Unreadable as error:
                raise StorageFailed(f"{path} {error}. Remove it; a new one is created.") from error
            if seed is None:
                seed = secrets.token_bytes(_BYTES)
                write_file(path, _format(seed))
            return seed


def _format(seed: bytes) -> bytes:
    key = base64.urlsafe_b64encode(seed).rstrip(b"=").decode()
    return (json.dumps({"kind": "ed25519", "private_key": key}, indent=2) + "\n").encode()


def _parse(data: bytes) -> bytes | None:
    try:
        key = read_json(data)["private_key"]
        seed = base64.urlsafe_b64decode(f"{key}=")
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None
    return seed if len(seed) == _BYTES else None
