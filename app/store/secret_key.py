"""The key that signs cookies and form tokens, created at the first start."""

import secrets
from pathlib import Path

from app.store.file_writes import write_file
from app.store.files import AGENT_DIR, read_file
from app.store.locks import waiting_for
from app.store.storage_errors import storage_errors


def secret_key(root: Path) -> bytes:
    """Return the signing key; all servers on a deployments folder share it.

    Raises StorageFailed, Unreadable.
    """
    with storage_errors("The server was not started."):
        ours = root / AGENT_DIR
        ours.mkdir(mode=0o700, parents=True, exist_ok=True)
        with waiting_for(ours):
            path = ours / "secret-key"
            if not path.exists():
                write_file(path, secrets.token_bytes(32))
            return read_file(path)
