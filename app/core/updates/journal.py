"""The journal of an update, and the previous version with its kept state."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from app.core.records import MomentText, read_record


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


def journal_to_json(journal: Journal) -> bytes:
    return json.dumps(asdict(journal)).encode()


def journal_from_json(data: bytes) -> Journal:
    """Read a journal. Raise ValueError, also for JSON that is no journal."""
    return read_record(Journal, data)


def kept_to_json(kept: KeptVersion) -> bytes:
    return json.dumps(asdict(kept)).encode()


def kept_from_json(data: bytes) -> KeptVersion:
    """Read a kept version. Raise ValueError."""
    return read_record(KeptVersion, data)
