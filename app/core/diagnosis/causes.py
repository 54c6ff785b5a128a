"""Causes of a failure: which entry of the catalogue what was seen fits, in words and as a line.

What no entry fits is told as it was said: a wrong cause is worse than none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.core.diagnosis.catalogue import CATALOGUE, CatalogueEntry, Source
from app.core.diagnosis.fix_lines import FixLineParts, fix_line
from app.core.status.readiness import ReadinessCheck

# A gateway tells at its end why it ends; what it wrote before may be anybody's words.
LAST_LINES = 60
_LONGEST_LINE = 300


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something failed, and what to do. `code` is stable; the words may get better.

    `free_port` is one that can be had instead, where a port is taken. `fix` is a line for
    a shell of this host that ends with a gateway that runs, where there is one.
    """

    code: str
    words: str
    next_step: str
    free_port: int | None = None
    fix: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.words} {self.next_step}".strip()


def engine_cause(text: str, repairs: FixLineParts | None = None) -> Cause | None:
    """Return what a Compose or engine error means, or None where it is not in the catalogue.

    `repairs` are what the catalogue's lines are filled in with.
    """
    return _first(Source.ENGINE, text, repairs)


def pull_cause(text: str, repairs: FixLineParts | None = None) -> Cause | None:
    """Return what the error of a pull means, or None where it is not in the catalogue."""
    return _first(Source.PULL, text, repairs)


def check_cause(check: ReadinessCheck, repairs: FixLineParts | None = None) -> Cause:
    """Return why a readiness check failed, in the check's own words."""
    seen = f"{check.name} {check.code} {check.detail}"
    known = _first(Source.LADDER, seen, repairs)
    code, fix = (known.code, known.fix) if known else (f"{check.name}_refused", "")
    return Cause(code, check.detail, check.next_step, fix=fix)


def last_words_of(text: str, fallback: str = "Compose failed without a word.") -> str:
    """Return the line of a tool's output that says what failed: its last that is not empty."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else fallback


def exit_cause(
    exit_code: int,
    out_of_memory: bool,
    log_lines: Sequence[str] | None,
    repairs: FixLineParts | None = None,
) -> Cause:
    """Return why a gateway ended, from its exit code and its last log lines (masked).

    `log_lines` is None where they can't be read.
    """
    said = "\n".join((log_lines or ())[-LAST_LINES:])
    known = _first(Source.GATEWAY, said, repairs, exit_code, out_of_memory)
    if known and out_of_memory:
        return known
    if known:
        words = f"exited with code {exit_code}: {known.words}"
        return Cause(known.code, words, known.next_step, fix=known.fix)
    return Cause(
        f"exited_{exit_code}" if exit_code >= 0 else "exited",
        f"exited with code {exit_code}. {_last_said(log_lines)}",
        "",
    )


def _last_said(log_lines: Sequence[str] | None) -> str:
    if log_lines is None:
        return "Its log could not be read."
    last = next((line.strip() for line in reversed(log_lines) if line.strip()), "")
    return f"Its last line: {last[:_LONGEST_LINE]}" if last else "It wrote nothing."


def _first(
    source: Source,
    text: str,
    repairs: FixLineParts | None,
    exit_code: int | None = None,
    out_of_memory: bool = False,
) -> Cause | None:
    fitting = _fitting(CATALOGUE[source], exit_code, out_of_memory)
    for known in fitting:
        if match := known.pattern.search(text):
            groups = match.groupdict()
            return Cause(
                known.code,
                known.words.format(**groups),
                known.next_step.format(**groups),
                fix=fix_line(known.fix, groups, repairs),
            )
    return None


def _fitting(
    catalogue: Iterable[CatalogueEntry], exit_code: int | None, out_of_memory: bool
) -> Iterable[CatalogueEntry]:
    for known in catalogue:
        if known.out_of_memory == out_of_memory and (not known.exits or exit_code in known.exits):
            yield known
