"""API answers about access to a gateway: pairing, allowed origins, the provider check."""

from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import Field

from app.core.access.pairing import PairingState, PendingRequest
from app.core.answers import Answer, AnswerPart, DeploymentId, Time
from app.core.status.status import Status
from app.usecases.access.pairing import Devices, PairedShown
from app.usecases.access.provider_check import KeptAnswer, ProviderCheck


class AllowedOriginAnswer(Answer):
    """The gateway is running and allows the origin."""

    deployment_id: DeploymentId
    status: Status
    origin: str


class ProviderAnswerShown(AnswerPart):
    """The provider's answer as a text; `code` is its stable name."""

    code: str
    words: str
    next_step: str = Field(description="What to do about the answer.")
    accepted: bool | None = Field(
        description="Whether the provider accepts the key; null if unknown."
    )
    said: str = Field(description="The provider's own words.")
    base_url: str
    model: str
    status: int | None
    milliseconds: int | None
    remarks: list[str] = Field(description="Settings in which the gateway differs from .env.")
    at: Time
    current: bool = Field(description="Whether the checked run of the gateway still goes on.")

    @classmethod
    def of(cls, shown: KeptAnswer, **named: Any) -> Self:
        answer = shown.answer
        return super().of(answer, at=shown.at, current=shown.current, **named)


class ProviderCheckAnswer(Answer):
    """The provider's latest answer."""

    deployment_id: DeploymentId
    answer: ProviderAnswerShown | None = Field(description="Null if the provider was never asked.")
    asking: bool = Field(description="Whether a check is running now.")

    @classmethod
    def of(cls, shown: ProviderCheck, **named: Any) -> Self:
        answer = shown.kept and ProviderAnswerShown.of(shown.kept)
        return super().of(shown, answer=answer, **named)


class PendingDeviceShown(AnswerPart):
    """A device that requests access. The device itself reports everything but the address."""

    request_id: str
    device_id: str
    label: str
    address: str
    browser: str
    opened_at: str = Field(description="The origin at which the device opened the gateway's page.")
    client: str
    platform: str
    roles: list[str]
    scopes: list[str]
    repair: bool = Field(
        description="Whether the device is paired already and requests more access."
    )
    asked_at: Time
    age_seconds: int

    @classmethod
    def of(cls, shown: PendingRequest, **named: Any) -> Self:
        age = datetime.now(UTC) - shown.asked_at
        return super().of(
            shown, opened_at=shown.origin, age_seconds=max(0, round(age.total_seconds())), **named
        )


class PairedDeviceShown(AnswerPart):
    """A device that has access to the gateway."""

    device_id: str
    label: str
    address: str
    client: str
    platform: str
    roles: list[str]
    scopes: list[str]
    connected: bool
    approved_at: Time | None
    approved_by: str
    last_seen_at: Time | None
    own: bool = Field(description="Whether the device is this Deploy Agent.")

    @classmethod
    def of(cls, shown: PairedShown, **named: Any) -> Self:
        device = shown.device
        return super().of(device, approved_by=shown.approved_by, own=shown.own, **named)


class DevicesAnswer(Answer):
    """The devices of a gateway, as last reported."""

    deployment_id: DeploymentId
    state: PairingState
    reason: str
    as_of: Time | None
    pending: list[PendingDeviceShown]
    paired: list[PairedDeviceShown]

    @classmethod
    def of(cls, shown: Devices, **named: Any) -> Self:
        return super().of(
            shown.seen,
            pending=[PendingDeviceShown.of(each) for each in shown.pending],
            paired=[PairedDeviceShown.of(each) for each in shown.paired],
            **named,
        )


class ApprovedDeviceAnswer(Answer):
    """The device now has access."""

    deployment_id: DeploymentId
    request_id: str
    device_id: str
    status: Literal["approved"] = "approved"


class RejectedDeviceAnswer(Answer):
    """The request is rejected."""

    deployment_id: DeploymentId
    request_id: str
    device_id: str
    status: Literal["rejected"] = "rejected"


class RemovedDeviceAnswer(Answer):
    """The device has no access anymore."""

    deployment_id: DeploymentId
    device_id: str
    status: Literal["removed"] = "removed"
