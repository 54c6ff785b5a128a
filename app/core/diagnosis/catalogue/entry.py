"""An entry of the catalogue."""

import re
from dataclasses import dataclass

# Of most lines the last step.
LAUNCH = "{launch}"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One cause. `exits` are the exit codes that it comes with, any where there are none.

    `fix` holds the steps that end with a gateway that runs, where a shell can do them: one
    after "# " is root's, as in a manual. A name in braces is filled in from what the pattern
    has found, or by app.core.repairs. The words of a broken rung are the probe's own.
    """

    code: str
    pattern: re.Pattern[str]
    words: str
    next_step: str
    fix: tuple[str, ...] = ()
    exits: tuple[int, ...] = ()
    out_of_memory: bool = False


def entry(
    code: str,
    pattern: str,
    words: str,
    next_step: str,
    fix: tuple[str, ...] = (),
    exits: tuple[int, ...] = (),
    out_of_memory: bool = False,
) -> CatalogueEntry:
    said = re.compile(pattern, re.IGNORECASE)
    return CatalogueEntry(code, said, words, next_step, fix, exits, out_of_memory)
