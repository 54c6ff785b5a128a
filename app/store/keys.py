"""Keys shared by all servers on one deployments folder. A key is created when first needed."""

import base64
import binascii
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.errors import StorageFailed
from app.core.records import read_json
from app.store.file_writes import write_file
from app.store.files import AGENT_DIR, Unreadable, read_file
from app.store.locks import waiting_for
from app.store.storage_errors import storage_errors

_BYTES = 32


def secret_key(root: Path) -> bytes:
    """Return the key that signs cookies and form tokens. Raises StorageFailed, Unreadable."""
    with _locked(root, "The server was not started.") as folder:
        path = folder / "secret-key"
        if not path.exists():
            write_file(path, secrets.token_bytes(_BYTES))
        return read_file(path)


def device_seed(root: Path) -> bytes:
    """Return the seed of the key by which gateways recognize this Deploy Agent.

    A damaged file is replaced: gateways then see a new device. Raises StorageFailed.
    """
    with _locked(root, "No device key was created.") as folder:
        path = folder / "device.json"
        try:
            seed = _parse(read_file(path))
        except FileNotFoundError:
            seed = None
        except Unreadable as error:
            raise StorageFailed(
                f"{path} {error}. Remove the file; a new key is created."
            ) from error
        if seed is None:
            seed = secrets.token_bytes(_BYTES)
            write_file(path, _format(seed))
        return seed


@contextmanager
def _locked(root: Path, undone: str) -> Iterator[Path]:
    """Create and lock Deploy Agent's part of the root folder. Raises StorageFailed."""
    with storage_errors(undone):
        folder = root / AGENT_DIR
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with waiting_for(folder):
            yield folder


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
