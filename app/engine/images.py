"""What the engine knows of the images on this host."""

import threading
from collections.abc import Mapping

from cachetools import TTLCache
from docker.errors import NotFound

from app.core.updates.images import Image
from app.engine.answers import Row, inside, rows_of, text, texts
from app.engine.client import EngineClient

# A page costs no call for them, mostly.
_KEPT_SECONDS = 10.0
_VERSION = "org.opencontainers.image.version"


class Images:
    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._looking = threading.Lock()
        self._kept: TTLCache[str, dict[str, Image]] = TTLCache(1, _KEPT_SECONDS)

    def find(self, reference: str) -> Image | None:
        """Return an image by name or id, None where this host has none. Raises EngineError."""
        try:
            with self._client.calls() as client:
                found = client.inspect_image(reference)  # type: ignore[no-untyped-call]
        except NotFound:
            return None
        return _image(found, inside(inside(found, "Config"), "Labels"))

    def known(self) -> Mapping[str, Image]:
        """Return the images of this host by id, as of some seconds ago. Raises EngineError."""
        with self._looking:
            known = self._kept.get("")
            if known is None:
                with self._client.calls() as client:
                    found = [
                        _image(each, inside(each, "Labels")) for each in rows_of(client.images())
                    ]
                known = self._kept[""] = {each.id: each for each in found}
        return known


def _image(row: Row, labels: Row) -> Image:
    return Image(
        id=text(row, "Id") or text(row, "ID"),
        tags=tuple(each for each in texts(row, "RepoTags") if "<none>" not in each),
        digests=tuple(each for each in texts(row, "RepoDigests") if "<none>" not in each),
        version=text(labels, _VERSION)[:80],
    )
