"""A device's identity for a gateway: an Ed25519 key, its id, and proofs signed with the key.

Measured on OpenClaw 2026.9.6: the id is the SHA-256 of the raw public key in hex. The signed text
contains everything that the connection requests, with the platform in lower case.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Client:
    """What a client says about itself."""

    id: str
    mode: str
    platform: str = "linux"


class DeviceIdentity:
    """A device's key. Raises ValueError if the seed is not 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @cached_property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    @cached_property
    def id(self) -> str:
        return hashlib.sha256(self.public_key).hexdigest()

    def proof(
        self, client: Client, scopes: Sequence[str], token: str, nonce: str, signed_at: int
    ) -> dict[str, object]:
        """Return the `device` part of a `connect` request. The signature covers the request."""
        signed = "|".join(
            (
                "v3",
                self.id,
                client.id,
                client.mode,
                "operator",
                ",".join(scopes),
                str(signed_at),
                token,
                nonce,
                client.platform.strip().lower(),
                "",  # The device's family.
            )
        )
        return {
            "id": self.id,
            "publicKey": base64url(self.public_key),
            "signature": base64url(self._key.sign(signed.encode())),
            "signedAt": signed_at,
            "nonce": nonce,
        }


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
