"""Configuring by the API: the schema of the fields, and making a deployment from them."""

from flask import Blueprint
from pydantic import ConfigDict, Field

from app.core.answers import EXAMPLE_ID, AnswerPart
from app.core.deployment import parse_id
from app.core.errors import DeploymentInvalid, InputRejected, NotFound
from app.core.people import Permission
from app.core.settings.field import FieldType
from app.core.settings.fields import schema
from app.usecases.settings.answers import ConfiguredAnswer
from app.usecases.settings.check_fields import warnings_of
from app.usecases.settings.clone_settings import CloneSource
from app.usecases.settings.configure import configure_deployment, field_defaults
from app.web.api.calls import Example, Subject, call
from app.web.api.shapes import CallBody, with_fields
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

bp = Blueprint("configure_api", __name__, url_prefix="/api/deploy")


class FieldShown(AnswerPart):
    """One field of a deployment, and what its values must be, as JSON Schema says it."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": True})

    name: str = Field(description="Its name in this API.")
    env: str = Field(description="Its name in the deployment's .env.")
    label: str
    help: str
    type: FieldType
    secret: bool
    default: str | None


class SchemaShown(AnswerPart):
    """All fields, by group."""

    auto: list[FieldShown] = Field(description="Made or picked by Deploy Agent.")
    mandatory: list[FieldShown]
    optional: list[FieldShown]


class NewDeployment(CallBody):
    """The fields of a new deployment. What is mandatory may come from another one."""

    model_config = ConfigDict(extra="allow", json_schema_extra=with_fields)

    like: str | None = Field(
        None, description="The id of another deployment, which gives what is not given here."
    )
    copy_secrets: bool = Field(False, description="Its keys too, which is recorded.")
    copy_channels: bool = Field(False, description="Its bots' tokens too, which is recorded.")


@bp.get("/schema")
@needs(Permission.VIEW)
@call(
    Subject.DEPLOYMENTS,
    "The fields of a deployment",
    example=Example(
        SchemaShown(
            auto=[],
            mandatory=[
                FieldShown(
                    name="openrouter_api_key",
                    env="OPENROUTER_API_KEY",
                    label="OpenRouter API key",
                    help="Pays for the model's answers, whichever model you choose.",
                    type="secret",
                    secret=True,
                    default=None,
                )
            ],
            optional=[],
        )
    ),
)
def show_schema() -> SchemaShown:
    """Every setting, by group: its name here and in `.env`, what it is for, what it must be."""
    return SchemaShown.model_validate(schema(field_defaults(app_context())))


@bp.post("/configure")
@needs(Permission.OPERATE)
@call(
    Subject.DEPLOYMENTS,
    "Makes a deployment",
    example=Example(
        body=NewDeployment.model_validate(
            {"openrouter_api_key": "sk-or-v1-…", "name": "Support bot"}
        ),
        answer=ConfiguredAnswer(deployment_id=EXAMPLE_ID, port=30163, warnings=[]),
    ),
    errors=(NotFound, DeploymentInvalid),
)
def configure(body: NewDeployment) -> ConfiguredAnswer:
    """From its fields: a folder of its own, with a token and a free port. It is not launched."""
    deployment = configure_deployment(
        dict(body.model_extra or {}), like=_like(body), actor=actor(), context=app_context()
    )
    found = warnings_of(deployment, context=app_context())
    return ConfiguredAnswer.of_new(deployment, found)


def _like(body: NewDeployment) -> CloneSource | None:
    """Return whom it is like, and what goes along. Raises InputRejected, NotFound."""
    if "like" in body.model_fields_set:
        return CloneSource(parse_id(body.like), body.copy_secrets, body.copy_channels)
    copies = {"copy_secrets": body.copy_secrets, "copy_channels": body.copy_channels}
    if alone := [name for name, copied in copies.items() if copied]:
        raise InputRejected(dict.fromkeys(alone, "needs like, another deployment's id"))
    return None
