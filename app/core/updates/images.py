"""An image on this host, and a name for it that stays the same when a tag moves."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """`digests` are names with the registry's digest, empty for an image that was built here.

    `version` is from the image's own OCI label.
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    version: str = ""

    def pin(self, name: str) -> str:
        """Return a name that always means this exact image.

        Use a digest from the repository of `name` if there is one.
        """
        ours = [each for each in self.digests if repository(each) == repository(name)]
        return next(iter([*ours, *self.digests]), self.id)


def repository(name: str) -> str:
    """Return an image's name without tag and digest."""
    plain = name.partition("@")[0]
    head, slash, last = plain.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def names_like(images: Iterable[Image], name: str) -> list[str]:
    """Return the tags of all images from the same repository as `name`, sorted."""
    wanted = repository(name)
    return sorted(tag for each in images for tag in each.tags if repository(tag) == wanted)
