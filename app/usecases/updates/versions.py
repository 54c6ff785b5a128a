"""Versions: the exact image of each deployment, and the previous version kept for going back."""

from dataclasses import dataclass

from app.core.errors import EngineError
from app.core.updates.images import Image, names_like
from app.core.updates.journal import KeptVersion
from app.store.sizes import FolderSize
from app.store.update_files import KEPT
from app.usecases.context import AppContext
from app.usecases.status.overview import DeploymentView
from app.usecases.updates.update import kept_version


@dataclass(frozen=True, slots=True)
class VersionShown:
    """The image of a deployment. `image` is None if the engine does not know the image.

    `kept` is the previous version. `kept_size` is the disk space of its state; None while that is
    being measured.
    """

    view: DeploymentView
    name: str
    image: Image | None
    kept: KeptVersion | None
    kept_size: FolderSize | None

    @property
    def label(self) -> str:
        return self.image.version if self.image else ""

    @property
    def digest(self) -> str:
        """The registry's digest; for an image built on this host, the image's id."""
        return self.image.pin(self.name).rpartition("sha256:")[2] if self.image else ""

    @property
    def built_here(self) -> bool:
        return bool(self.image and not self.image.digests)


def version_of(view: DeploymentView, *, context: AppContext) -> VersionShown:
    """Return the version that a deployment runs, or would run."""
    kept = kept_version(view.deployment, context=context)
    size = context.sizes.of(context.store.folder(view.deployment.id) / KEPT) if kept else None
    image = None if view.problem else _image(view, context)
    return VersionShown(view, view.image, image, kept, size)


def images_like(name: str, *, context: AppContext) -> list[str]:
    """Return the images on this host to which a gateway of image `name` can be updated."""
    try:
        return names_like(context.images.known().values(), name)
    except EngineError:
        return []


def _image(view: DeploymentView, context: AppContext) -> Image | None:
    try:
        known = context.images.known()
    except EngineError:
        return None
    if view.gateway:
        return known.get(view.gateway.image_id)
    return next((each for each in known.values() if view.image in (*each.tags, each.id)), None)
