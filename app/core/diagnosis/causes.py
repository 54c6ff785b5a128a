"""Find the cause of a failure in the catalogue.

A failure that matches no entry is reported with its original message: a wrong cause is worse than
none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.core.diagnosis.catalogue import CATALOGUE, CatalogueEntry, Source
from app.core.diagnosis.fix_lines import FixLineParts, fix_line
from app.core.status.readiness import ReadinessCheck

# A gateway's last lines say why it exits. Earlier lines may contain text from anybody.
LAST_LINES = 60
_LONGEST_LINE = 300


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something failed, and what to do. `code` is stable; the words may change.

    `free_port` is a free port that can replace the taken port. `fix` is a shell command for this
    host that fixes the cause and starts the gateway; it may be empty.
    """

    code: str
    words: str
    next_step: str
    free_port: int | None = None
    fix: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.words} {self.next_step}".strip()


def engine_cause(text: str, parts: FixLineParts | None = None) -> Cause | None:
    """Return the cause of a Compose or engine error, or None if it is not in the catalogue.

    `parts` are the values for placeholders in the catalogue's fix commands.
    """
    return _first(Source.ENGINE, text, parts)


def pull_cause(text: str, parts: FixLineParts | None = None) -> Cause | None:
    """Return the cause of a failed pull, or None if it is not in the catalogue."""
    return _first(Source.PULL, text, parts)


def check_cause(check: ReadinessCheck, parts: FixLineParts | None = None) -> Cause:
    """Return the cause of a failed readiness check, with the check's own message."""
    matched = f"{check.name} {check.code} {check.detail}"
    known = _first(Source.LADDER, matched, parts)
    code, fix = (known.code, known.fix) if known else (f"{check.name}_refused", "")
    return Cause(code, check.detail, check.next_step, fix=fix)


def last_words_of(text: str, fallback: str = "Compose failed and gave no message.") -> str:
    """Return the last non-empty line of a tool's output, which says what failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else fallback


def exit_cause(
    exit_code: int,
    out_of_memory: bool,
    log_lines: Sequence[str] | None,
    parts: FixLineParts | None = None,
) -> Cause:
    """Return why a gateway exited, from its exit code and its last log lines (masked).

    `log_lines` is None if the log can't be read.
    """
    said = "\n".join((log_lines or ())[-LAST_LINES:])
    known = _first(Source.GATEWAY, said, parts, exit_code, out_of_memory)
    if known and out_of_memory:
        return known
    if known:
        words = f"exited with code {exit_code}: {known.words}"
        return Cause(known.code, words, known.next_step, fix=known.fix)
    return Cause(
        f"exited_{exit_code}" if exit_code >= 0 else "exited",
        f"exited with code {exit_code}. {_last_line(log_lines)}",
        "",
    )


def _last_line(log_lines: Sequence[str] | None) -> str:
    if log_lines is None:
        return "Its log can't be read."
    last = next((line.strip() for line in reversed(log_lines) if line.strip()), "")
    return f"Its last line: {last[:_LONGEST_LINE]}" if last else "Its log is empty."


def _first(
    source: Source,
    text: str,
    parts: FixLineParts | None,
    exit_code: int | None = None,
    out_of_memory: bool = False,
) -> Cause | None:
    for known in _candidates(CATALOGUE[source], exit_code, out_of_memory):
        if match := known.search(text):
            groups = match.groupdict()
            return Cause(
                known.code,
                known.words.format(**groups),
                known.next_step.format(**groups),
                fix=fix_line(known.fix, groups, parts),
            )
    return None


def _candidates(
    catalogue: Iterable[CatalogueEntry], exit_code: int | None, out_of_memory: bool
) -> Iterable[CatalogueEntry]:
    for known in catalogue:
        if known.out_of_memory == out_of_memory and (not known.exits or exit_code in known.exits):
            yield known
