"""The journal of an update, and the previous version with its kept state."""

from dataclasses import dataclass
from enum import StrEnum

from app.core.records import MomentText


class UpdateStage(StrEnum):
    """How far an update is. The journal has the stage before the work of that stage begins."""

    # The state is being copied. Nothing of the gateway's was changed.
    COPYING = "copying"
    # The copy is complete. Image and state may be the new ones, which are not verified.
    TRYING = "trying"
    # The new image is verified. What is left is to keep the copy of the old state.
    PROVEN = "proven"


@dataclass(frozen=True, slots=True)
class Version:
    """The exact image of a gateway.

    `image` is its name in `.env`; `pin` is a name that stays the same image when a tag moves.
    `id` is empty if this host did not have the image. `label` is the version in its OCI label.
    """

    image: str
    id: str = ""
    pin: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Journal:
    """An update in progress. `returning`: it goes back to the kept version and its state."""

    operation: int
    step: UpdateStage
    image: str
    before: Version
    was_up: bool
    returning: bool
    at: MomentText


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """The previous version, with its state; `image` is what replaced it."""

    version: Version
    image: str
    at: MomentText
