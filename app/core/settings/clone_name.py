"""Names for clones: `Support bot 2` after `Support bot`."""

import re
from collections.abc import Collection
from itertools import count

from app.core.settings.field_rules import LONGEST_NAME

_NUMBERED = re.compile(r"(?P<stem>.*\S)\s+(?P<number>[1-9][0-9]{0,5})\Z", re.ASCII | re.DOTALL)


def next_name(name: str, taken: Collection[str]) -> str:
    """Return the next free numbered name. An empty name stays empty."""
    if not name:
        return ""
    match = _NUMBERED.match(name)
    stem, first = (match["stem"], int(match["number"])) if match else (name, 1)
    for number in count(first + 1):
        end = f" {number}"
        candidate = stem[: LONGEST_NAME - len(end)].rstrip() + end
        if candidate not in taken:
            return candidate
    raise AssertionError("unreachable: count() never ends")
