"""The journal of an update, and the previous version with its kept state."""

from dataclasses import dataclass
from enum import StrEnum

from app.core.records import MomentText


class UpdateStage(StrEnum):
    """How far an update is. A stage is written to the journal before the stage begins."""

    # The state is being copied. Nothing that belongs to the gateway has changed yet.
    COPYING = "copying"
    # The copy is complete. Image and state may be the new ones, but are not verified yet.
    TRYING = "trying"
    # The new image is verified. Only the copy of the old state still has to be kept.
    PROVEN = "proven"


@dataclass(frozen=True, slots=True)
class Version:
    """The exact image of a gateway.

    `image` is its name in `.env`; `pin` names the same image even after a tag moves. `id`
    is empty if this host did not have the image. `label` is the version in the image's OCI label.
    """

    image: str
    id: str = ""
    pin: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Journal:
    """An update in progress. `returning`: the update restores the kept version and its state."""

    operation: int
    step: UpdateStage
    image: str
    before: Version
    was_up: bool
    returning: bool
    at: MomentText


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """The previous version, with its state; `image` is the image that replaced the version."""

    version: Version
    image: str
    at: MomentText
