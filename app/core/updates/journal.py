"""An update as its journal has it: what is under way, and what there was before."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from app.core.records import MomentText, read_record


class UpdateStage(StrEnum):
    """How far an update is. What is written here holds before the work of the step begins."""

    # The state is being copied; nothing that is the gateway's was changed.
    COPYING = "copying"
    # The copy is whole. Image and state may be the new ones, which nobody has proven.
    TRYING = "trying"
    # The new image was proven; what is left is to put the copy where it is kept.
    PROVEN = "proven"


@dataclass(frozen=True, slots=True)
class Version:
    """The very image of a gateway: `image` is how its `.env` names it, `pin` what stays its name.

    `id` is empty where this host did not have it. `label` is the version it tells of itself.
    """

    image: str
    id: str = ""
    pin: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Journal:
    """An update under way. `returning` is one to the version before, with its kept state."""

    operation: int
    step: UpdateStage
    image: str
    before: Version
    was_up: bool
    returning: bool
    at: MomentText


@dataclass(frozen=True, slots=True)
class Kept:
    """The version before the last update, whose state is kept; `image` is what came after it."""

    version: Version
    image: str
    at: MomentText


def journal_to_json(journal: Journal) -> bytes:
    return json.dumps(asdict(journal)).encode()


def journal_from_json(data: bytes) -> Journal:
    """Raises ValueError, also where it is JSON and no journal."""
    return read_record(Journal, data)


def kept_to_json(kept: Kept) -> bytes:
    return json.dumps(asdict(kept)).encode()


def kept_from_json(data: bytes) -> Kept:
    """Raises ValueError."""
    return read_record(Kept, data)
