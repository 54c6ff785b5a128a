"""API answers about orphans: containers and networks without a deployment."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from app.core.answers import Answer, AnswerPart
from app.core.orphans import Orphan, OrphanKind


class OrphanContainerShown(AnswerPart):
    """One orphaned container, as Docker Engine reports it."""

    name: str
    image: str
    state: str


class OrphanShown(AnswerPart):
    """The orphaned containers and networks of one Compose project."""

    project: str = Field(description="The name of the Compose project.")
    kind: OrphanKind
    why: str = Field(description="Why the project counts as an orphan.")
    perhaps: bool = Field(description="Whether the project may belong to somebody else.")
    listed: bool = Field(
        description="Whether the list has a deployment with the project's name as its id."
    )
    containers: list[OrphanContainerShown]
    networks: list[str] = Field(description="The names of the project's networks.")

    @classmethod
    def of(cls, shown: Orphan, **named: Any) -> Self:
        return super().of(
            shown,
            listed=shown.deployment is not None,
            containers=[OrphanContainerShown.of(each) for each in shown.containers],
            networks=[each.name for each in shown.networks],
            **named,
        )


class RemovedOrphanAnswer(Answer):
    """The containers and networks are removed."""

    project: str
    status: Literal["removed"] = "removed"


class RemovingOrphanAnswer(Answer):
    """The removal is still running. The list shows what still exists."""

    http_status: ClassVar[int] = 202

    project: str
    status: Literal["removing"] = "removing"
