"""What the engine knows of the images on this host."""

from typing import Any

from docker.errors import NotFound

from app.core.images import Image
from app.engine.client import EngineClient

_VERSION = "org.opencontainers.image.version"


class Images:
    def __init__(self, client: EngineClient) -> None:
        self._client = client

    def find(self, reference: str) -> Image | None:
        """Return an image by name or id, None where this host has none. Raises EngineError."""
        try:
            with self._client.calls() as client:
                found = client.inspect_image(reference)  # type: ignore[no-untyped-call]
        except NotFound:
            return None
        return _image(found, (found.get("Config") or {}).get("Labels"))

    def all(self) -> list[Image]:
        """Return every image of this host, in one call. Raises EngineError."""
        with self._client.calls() as client:
            return [_image(each, each.get("Labels")) for each in client.images()]


def _image(row: dict[str, Any], labels: dict[str, str] | None) -> Image:
    return Image(
        id=row.get("Id") or row.get("ID", ""),
        tags=tuple(each for each in row.get("RepoTags") or () if "<none>" not in each),
        digests=tuple(each for each in row.get("RepoDigests") or () if "<none>" not in each),
        version=str((labels or {}).get(_VERSION, ""))[:80],
    )
