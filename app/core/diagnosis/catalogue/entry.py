"""One entry of the catalogue of causes."""

import re
from dataclasses import dataclass

# The last step of most fix commands.
LAUNCH = "{launch}"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One cause. `exits` are the exit codes to which the entry applies; empty means any.

    `fix` are shell steps after which the gateway runs; a step that begins with "# " needs root.
    Placeholders are filled in from the pattern's groups or from `FixLineParts`. A failed readiness
    check has its own message, so its entry has none.
    """

    code: str
    pattern: str
    words: str
    next_step: str
    fix: tuple[str, ...] = ()
    exits: tuple[int, ...] = ()
    out_of_memory: bool = False

    def search(self, text: str) -> re.Match[str] | None:
        return re.search(self.pattern, text, re.IGNORECASE)
