"""The images on this host."""

from collections.abc import Mapping

from docker.errors import NotFound

from app.core.single_flight import SingleFlight
from app.core.updates.images import Image
from app.engine.answers import Row, inside, rows_of, text, texts
from app.engine.client import EngineClient

# Cached, so that most pages make no call for images.
_KEPT_SECONDS = 10.0
_VERSION = "org.opencontainers.image.version"


class Images:
    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._lists: SingleFlight[dict[str, Image]] = SingleFlight()

    def find(self, reference: str) -> Image | None:
        """Return an image by name or id, None if this host does not have it. Raises EngineError."""
        try:
            with self._client.calls() as client:
                found = client.inspect_image(reference)  # type: ignore[no-untyped-call]
        except NotFound:
            return None
        return _image(found, inside(inside(found, "Config"), "Labels"))

    def id_of(self, reference: str) -> str | None:
        """Return an image's id, or None if this host does not have it. Raises EngineError."""
        image = self.find(reference)
        return image.id or None if image else None

    def names(self) -> list[str]:
        """Return the names of all images on this host. Raises EngineError."""
        with self._client.calls() as client:
            images = rows_of(client.images())
        return sorted(name for image in images for name in texts(image, "RepoTags"))

    def known(self) -> Mapping[str, Image]:
        """Return the images of this host by id, at most ten seconds old. Raises EngineError."""
        return self._lists.get("", self._list, seconds=_KEPT_SECONDS)

    def _list(self) -> dict[str, Image]:
        with self._client.calls() as client:
            found = [_image(each, inside(each, "Labels")) for each in rows_of(client.images())]
        return {each.id: each for each in found}


def _image(row: Row, labels: Row) -> Image:
    return Image(
        id=text(row, "Id") or text(row, "ID"),
        tags=tuple(each for each in texts(row, "RepoTags") if "<none>" not in each),
        digests=tuple(each for each in texts(row, "RepoDigests") if "<none>" not in each),
        version=text(labels, _VERSION)[:80],
    )
