"""Checks of images: whether this host has them, and how old they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.doctor.finding import Area, DoctorCheck, DoctorFinding, listed
from app.core.doctor.shell import Shell
from app.core.time_words import ago

IMAGE = DoctorCheck(
    "image",
    "Image of new gateways",
    Area.ENGINE,
    "If the image is not on this host, the first launch pulls it, which takes minutes and fails"
    " without a registry.",
)
IMAGES = DoctorCheck(
    "images",
    "Images of deployments",
    Area.ENGINE,
    "If a deployment's image is gone from this host, the deployment can't be launched without the"
    " registry.",
)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image and the name used for it. `id` is empty if this host does not have the image."""

    reference: str
    id: str = ""
    digest: str = ""
    made_at: datetime | None = None
    built_here: bool = False


def image_finding(image: ImageFacts, now: datetime, shell: Shell) -> DoctorFinding:
    if image.id:
        return IMAGE.good(f"{_image_text(image, now)}.")
    return IMAGE.warning(
        f"{image.reference} is not on this host.",
        f"Pull the image. Without a registry, `{shell.make('image')}` builds OpenClaw here.",
        shell.docker("pull", image.reference),
    )


def images_finding(
    images: Sequence[ImageFacts], users: Mapping[str, Sequence[str]], now: datetime, shell: Shell
) -> DoctorFinding:
    """Report the images of deployments. `users` are the labels of each image's deployments."""
    if missing := [each for each in images if not each.id]:
        texts = [f"{each.reference}, used by {listed(users[each.reference])}" for each in missing]
        return IMAGES.warning(
            f"Not on this host: {listed(texts)}.",
            "Pull every missing image, or set another image in the configuration.",
            "\n".join(shell.docker("pull", each.reference) for each in missing[:3]),
        )
    if not images:
        return IMAGES.good("No deployment uses an image of its own.")
    return IMAGES.good(f"{listed([_image_text(each, now) for each in images])}.")


def _image_text(image: ImageFacts, now: datetime) -> str:
    known_by = image.digest or image.id
    made = f", made {ago(image.made_at, now)}" if image.made_at else ""
    here = ", built here" if image.built_here else ""
    return f"{image.reference} ({known_by[:19]}{made}{here})"
