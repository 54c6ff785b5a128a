"""API answers about a deployment's settings."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field

from app.core.answers import Answer, AnswerPart, DeploymentId, FieldProblem
from app.core.deployment import Deployment
from app.core.settings.field import Field as DeploymentField
from app.core.settings.field import FieldType
from app.core.settings.fields import FIELDS
from app.core.settings.file_changes import ShownChange
from app.core.status.status import Status
from app.usecases.settings.reconfigure_plan import ReconfigurePlan


class FieldShown(AnswerPart):
    """One field of a deployment. The other keys are the JSON Schema of the field's values."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": True})

    name: str = Field(description="The field's name in this API.")
    env: str = Field(description="The field's name in the deployment's .env.")
    label: str
    help: str
    type: FieldType
    secret: bool
    default: str | None

    @classmethod
    def of(cls, shown: DeploymentField, **named: Any) -> Self:
        return super().of(shown, **shown.constraints, **named)


class SchemaShown(AnswerPart):
    """All fields by group."""

    auto: list[FieldShown] = Field(description="Chosen by Deploy Agent.")
    mandatory: list[FieldShown]
    optional: list[FieldShown]

    @classmethod
    def of_fields(cls, defaults: Mapping[str, str]) -> Self:
        """Return all fields. `defaults` maps field names to default values."""
        groups: dict[str, list[FieldShown]] = {name: [] for name in cls.model_fields}
        for each in FIELDS:
            groups[each.group].append(FieldShown.of(each, default=defaults.get(each.name)))
        return cls.model_validate(groups)


class ConfiguredAnswer(Answer):
    """The deployment is created but not launched."""

    deployment_id: DeploymentId
    port: int | None
    status: Literal["configured"] = "configured"
    warnings: list[FieldProblem] = Field(
        description="Fields whose value another deployment uses already."
    )

    @classmethod
    def of_new(cls, deployment: Deployment, warnings: Mapping[str, str]) -> Self:
        return cls(
            deployment_id=deployment.id,
            port=deployment.port,
            warnings=[FieldProblem(field=name, message=each) for name, each in warnings.items()],
        )


class ChangeShown(AnswerPart):
    """A variable whose value changes; the values of a secret are null."""

    field: str = Field(description="The field's name; without a field, the variable's name.")
    env: str
    what: Literal["added", "changed", "removed"]
    before: str | None
    after: str | None

    @classmethod
    def of(cls, shown: ShownChange, **named: Any) -> Self:
        return super().of(shown, field=shown.name, **named)


class PreviewAnswer(Answer):
    """What a reconfiguration would change. Nothing is written."""

    deployment_id: DeploymentId
    changes: list[ChangeShown]
    runs: bool | None = Field(
        description="Whether the gateway is running; null if Docker Engine does not answer."
    )
    restart: list[str] = Field(description="Settings that need a restart to take effect.")
    diff: str = Field(description="The changes to docker-compose.yml, with secrets masked.")
    by_hand: list[str] = Field(description="What must be done by hand, in sentences.")
    fingerprint: str = Field(
        serialization_alias="seen",
        description="Identifies the current files; send this value with the change.",
    )

    @classmethod
    def of(cls, shown: ReconfigurePlan, **named: Any) -> Self:
        return super().of(
            shown,
            deployment_id=shown.deployment.id,
            changes=[ChangeShown.of(each) for each in shown.shown_changes],
            runs=None if shown.problem else shown.runs,
            diff="\n".join(shown.diff),
            **named,
        )


class ReconfiguredAnswer(Answer):
    """The settings are changed. If the gateway was running, it runs with the new settings."""

    deployment_id: DeploymentId
    status: Status
    port: int | None
    changed: list[str] = Field(description="The changed fields; empty if no value differed.")
