"""Versions: which very image each deployment runs, and which one it can go back to."""

from dataclasses import dataclass

from app.core.errors import EngineError
from app.core.updates.images import Image, names_like
from app.core.updates.journal import Kept
from app.store.sizes import FolderSize
from app.store.update_files import KEPT
from app.usecases.status.overview import Card
from app.usecases.updates.update import kept_of
from app.usecases.context import World


@dataclass(frozen=True, slots=True)
class VersionShown:
    """The image of a deployment. `image` is None where the engine does not say.

    `kept` is the version before the last update, `kept_size` what its state takes on the
    disk, None while that is counted.
    """

    card: Card
    name: str
    image: Image | None
    kept: Kept | None
    kept_size: FolderSize | None

    @property
    def label(self) -> str:
        return self.image.version if self.image else ""

    @property
    def digest(self) -> str:
        """The registry's digest, or the image's id where it was built here."""
        return self.image.pin(self.name).rpartition("sha256:")[2] if self.image else ""

    @property
    def built_here(self) -> bool:
        return bool(self.image and not self.image.digests)


def version_of(card: Card, *, world: World) -> VersionShown:
    """Return what a deployment runs, or would run."""
    kept = kept_of(card.deployment, world=world)
    size = world.sizes.of(world.store.folder(card.deployment.id) / KEPT) if kept else None
    image = None if card.problem else _image(card, world)
    return VersionShown(card, card.image, image, kept, size)


def images_like(name: str, *, world: World) -> list[str]:
    """Return the images of this host that a gateway of that image may be updated to."""
    try:
        return names_like(world.images.known().values(), name)
    except EngineError:
        return []


def _image(card: Card, world: World) -> Image | None:
    try:
        known = world.images.known()
    except EngineError:
        return None
    if card.gateway:
        return known.get(card.gateway.image_id)
    return next((each for each in known.values() if card.image in (*each.tags, each.id)), None)
