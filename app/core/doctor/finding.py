"""The doctor's checks and findings, their order, and the report as text."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.text import plain

# A sentence lists at most this many names and counts the rest.
_MOST_NAMES = 6


class DoctorVerdict(StrEnum):
    """The result of a check, worst first."""

    BAD = "bad"
    WARNING = "warning"
    UNKNOWN = "not known"
    GOOD = "good"

    @property
    def needs_attention(self) -> bool:
        return self in (DoctorVerdict.BAD, DoctorVerdict.WARNING)


class Area(StrEnum):
    """The groups of checks, in the order of display."""

    ENGINE = "Docker Engine"
    HOST = "This host"
    NETWORK = "Network and ports"
    REACH = "Who can reach what"
    FOLDER = "Deployments folder"


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """The result of one check. `code` is stable, for scripts.

    `seen` is the state that was found, with figures; `why` is why this state matters. `next_step`
    says what to do, and `fix` is a shell command for this host that does the next step; both may be
    empty.
    """

    code: str
    title: str
    area: Area
    verdict: DoctorVerdict
    seen: str
    why: str
    next_step: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One check: what is checked, and why. Makes a finding for a verdict."""

    code: str
    title: str
    area: Area
    why: str

    def good(self, seen: str) -> DoctorFinding:
        return self._finding(DoctorVerdict.GOOD, seen)

    def warning(self, seen: str, next_step: str = "", fix: str = "") -> DoctorFinding:
        return self._finding(DoctorVerdict.WARNING, seen, next_step, fix)

    def bad(self, seen: str, next_step: str = "", fix: str = "") -> DoctorFinding:
        return self._finding(DoctorVerdict.BAD, seen, next_step, fix)

    def unknown(self, seen: str, next_step: str = "") -> DoctorFinding:
        return self._finding(DoctorVerdict.UNKNOWN, seen, next_step)

    def _finding(
        self, verdict: DoctorVerdict, seen: str, next_step: str = "", fix: str = ""
    ) -> DoctorFinding:
        # `seen` has names of programs, containers and files, which are untrusted.
        return DoctorFinding(
            self.code, self.title, self.area, verdict, plain(seen), self.why, next_step, fix
        )


def worst_first(findings: Iterable[DoctorFinding]) -> list[DoctorFinding]:
    """Sort findings by verdict, then by area, otherwise keeping their order."""
    verdicts, areas = list(DoctorVerdict), list(Area)
    return sorted(findings, key=lambda each: (verdicts.index(each.verdict), areas.index(each.area)))


def summary(findings: Sequence[DoctorFinding]) -> str:
    """Return one line: `2 things need attention, 14 are good.`"""
    counts = Counter(each.verdict for each in findings)
    attention = counts[DoctorVerdict.BAD] + counts[DoctorVerdict.WARNING]
    parts = [
        f"{attention} {'thing needs' if attention == 1 else 'things need'} attention"
        if attention
        else "Nothing needs attention"
    ]
    if unknown := counts[DoctorVerdict.UNKNOWN]:
        parts.append(f"{unknown} {'is' if unknown == 1 else 'are'} not known")
    if good := counts[DoctorVerdict.GOOD]:
        parts.append(f"{good} {'is' if good == 1 else 'are'} good")
    return ", ".join(parts) + "."


def as_text(findings: Sequence[DoctorFinding]) -> str:
    """Return all findings as plain text, worst first, for a terminal or a bug report."""
    texts = [_finding_text(each) for each in worst_first(findings)]
    return "\n".join([summary(findings), "", *texts])


def _finding_text(finding: DoctorFinding) -> str:
    lines = [f"[{finding.verdict}] {finding.title}: {finding.seen}"]
    if finding.verdict is not DoctorVerdict.GOOD:
        lines += [finding.why, finding.next_step]
        lines += [f"$ {line}" for line in finding.fix.splitlines()]
    first, *more = (line for line in lines if line)
    return "\n".join([first, *(f"    {line}" for line in more)])


def listed(names: Sequence[str]) -> str:
    """Return names joined for a sentence: `a, b and c`, or `a, b, … and 3 more`."""
    named = [plain(name).replace("\n", " ") for name in names[:_MOST_NAMES]]
    if len(names) > _MOST_NAMES:
        return f"{', '.join(named)} and {len(names) - _MOST_NAMES} more"
    return " and ".join(filter(None, (", ".join(named[:-1]), *named[-1:])))


def counted(number: int, one: str, many: str = "") -> str:
    """Return `1 gateway`, `3 gateways`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
