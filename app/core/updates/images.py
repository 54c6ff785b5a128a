"""An image on this host, and the name that stays its own when a tag moves."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """`digests` are names with the registry's digest; one that was built here has none.

    `version` is what the image says of itself, in the label of the OCI.
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    version: str = ""

    def pin(self, name: str) -> str:
        """Return a name that means this very image for ever; `name` is what it was asked for by."""
        ours = [each for each in self.digests if repository(each) == repository(name)]
        return next(iter([*ours, *self.digests]), self.id)


def repository(name: str) -> str:
    """Return an image's name without tag and digest."""
    plain = name.partition("@")[0]
    head, slash, last = plain.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def names_like(images: Iterable[Image], name: str) -> list[str]:
    """Return the names of the images that are of the same repository as one."""
    wanted = repository(name)
    return sorted(tag for each in images for tag in each.tags if repository(tag) == wanted)
