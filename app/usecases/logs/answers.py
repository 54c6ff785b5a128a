"""API answers about a gateway's log."""

from typing import Any, Self

from pydantic import Field

from app.core.answers import Answer, AnswerPart, DeploymentId
from app.usecases.logs.logs import Logs


class LastWordsShown(AnswerPart):
    """The last words of an ended container: time of the end, and exit code."""

    at: str
    exit_code: int | None


class LogsAnswer(Answer):
    """Log lines as one text."""

    deployment_id: DeploymentId
    logs: str
    last_words: LastWordsShown | None = Field(
        description="Set if the lines are an ended container's last words."
    )

    @classmethod
    def of(cls, shown: Logs, **named: Any) -> Self:
        return super().of(shown, logs=shown.text, **named)
