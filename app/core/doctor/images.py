"""Images: are those here that gateways are started from, and how old they are."""

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
    "A launch pulls an image that is not here, which takes minutes, and fails where no registry"
    " answers.",
)
IMAGES = DoctorCheck(
    "images",
    "Images that deployments name",
    Area.ENGINE,
    "A deployment whose image is gone from this host can't be launched again without its registry.",
)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image by the name that it is asked for; `id` is empty where this host has none."""

    reference: str
    id: str = ""
    digest: str = ""
    made_at: datetime | None = None
    built_here: bool = False


def image_finding(image: ImageFacts, now: datetime, shell: Shell) -> DoctorFinding:
    if image.id:
        return IMAGE.good(f"{_told(image, now)}.")
    return IMAGE.warning(
        f"{image.reference} is not here.",
        f"Pull it. Where no registry answers, `{shell.make('image')}` builds OpenClaw here.",
        shell.docker("pull", image.reference),
    )


def images_finding(
    images: Sequence[ImageFacts], users: Mapping[str, Sequence[str]], now: datetime, shell: Shell
) -> DoctorFinding:
    """`users` are the deployments of each reference, by label."""
    if missing := [each for each in images if not each.id]:
        told = [f"{each.reference}, named by {listed(users[each.reference])}" for each in missing]
        return IMAGES.warning(
            f"Not here: {listed(told)}.",
            "Pull it, or name another image in the configuration.",
            "\n".join(shell.docker("pull", each.reference) for each in missing[:3]),
        )
    if not images:
        return IMAGES.good("No deployment names an image of its own.")
    return IMAGES.good(f"{listed([_told(each, now) for each in images])}.")


def _told(image: ImageFacts, now: datetime) -> str:
    known_by = image.digest or image.id
    made = f", made {ago(image.made_at, now)}" if image.made_at else ""
    here = ", built here" if image.built_here else ""
    return f"{image.reference} ({known_by[:19]}{made}{here})"
