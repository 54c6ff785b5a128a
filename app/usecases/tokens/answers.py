"""API answers about a gateway's token and other secrets."""

from pydantic import Field

from app.core.answers import Answer, DeploymentId
from app.core.status.status import Status
from app.core.tokens import TokenComparison


class TokenCheckAnswer(Answer):
    """The four places that hold the token, compared without showing it."""

    deployment_id: DeploymentId
    agree: bool | None = Field(
        description="Whether all tokens are equal; null if a token is unknown."
    )
    places: list[TokenComparison]


class VerifiedTokenAnswer(Answer):
    """All places have the token of `.env`."""

    deployment_id: DeploymentId
    status: Status
    proven: bool = Field(
        description="Whether the gateway accepted the token; false if the gateway is not running."
    )


class RevealedAnswer(Answer):
    """The value of one secret, which must stay out of caches and logs."""

    value: str
