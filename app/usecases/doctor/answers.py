"""API answers about the state of this host."""

from pydantic import Field

from app.core.answers import Answer, Time
from app.core.doctor.finding import DoctorFinding, DoctorVerdict


class DoctorAnswer(Answer):
    """All findings, the most serious first."""

    summary: str = Field(description="How many findings need attention, in one line.")
    examined_at: Time
    findings: list[DoctorFinding]

    @property
    def anything_bad(self) -> bool:
        return any(each.verdict is DoctorVerdict.BAD for each in self.findings)
