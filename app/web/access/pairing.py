"""Pairing: the buttons on a deployment's page, and the calls of the API."""

from datetime import UTC, datetime
from typing import Literal

from flask import Blueprint
from flask.typing import ResponseReturnValue
from htmx_flask import request
from pydantic import Field

from app.core.access.pairing import (
    DeviceUnknown,
    GatewayRefused,
    GatewaySilent,
    PairingState,
    PendingRequest,
    RequestUnknown,
)
from app.core.access.pairing_words import scope_words
from app.core.answers import EXAMPLE_ID, Answer, AnswerPart, DeploymentId, Time
from app.core.deployment import parse_id
from app.core.errors import GatewayNotRunning
from app.core.people import Permission
from app.usecases.access.pairing import (
    PairedShown,
    approve_device,
    devices_of,
    reject_device,
    remove_device,
)
from app.usecases.status.overview import show_deployment
from app.web.api.calls import Example, Subject, call
from app.web.api.shapes import ForDeployment, Text
from app.web.page.rendering import done
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

bp = Blueprint("pairing", __name__)
api_bp = Blueprint("pairing_api", __name__, url_prefix="/api/deploy/pairing")
bp.add_app_template_filter(scope_words)
_ASKING = (GatewayNotRunning, GatewayRefused, GatewaySilent)


class DeviceAsking(AnswerPart):
    """A device that asks to be let in. All but the address is its own word for itself."""

    request_id: str
    device_id: str
    label: str
    address: str
    browser: str
    opened_at: str = Field(description="The origin at which its page was opened.")
    client: str
    platform: str
    roles: list[str]
    scopes: list[str]
    repair: bool = Field(description="Whether it is paired already, and asks for more.")
    asked_at: Time
    age_seconds: int


class DevicePaired(AnswerPart):
    """A device that the gateway lets in."""

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
    own: bool = Field(description="Whether it is this Deploy Agent itself.")


class DevicesShown(Answer):
    """The devices of a gateway, as last heard."""

    deployment_id: DeploymentId
    state: PairingState
    reason: str
    as_of: Time | None
    pending: list[DeviceAsking]
    paired: list[DevicePaired]


class RequestOf(ForDeployment):
    """Names one device's request."""

    request_id: Text


class DeviceOf(ForDeployment):
    """Names one paired device."""

    device_id: Text


class Approved(Answer):
    """The device is let in."""

    deployment_id: DeploymentId
    request_id: str
    device_id: str
    status: Literal["approved"] = "approved"


class Rejected(Answer):
    """The device is turned away."""

    deployment_id: DeploymentId
    request_id: str
    device_id: str
    status: Literal["rejected"] = "rejected"


class Removed(Answer):
    """The device is not paired any more."""

    deployment_id: DeploymentId
    device_id: str
    status: Literal["removed"] = "removed"


@bp.post("/deployments/<deployment_id>/pairing/approve")
@needs(Permission.OPERATE)
def approve(deployment_id: str) -> ResponseReturnValue:
    request_id = request.form.get("request_id", "")
    device = approve_device(
        parse_id(deployment_id), request_id, actor=actor(), context=app_context()
    )
    return done(f"{device.label} was let in.", deployment_id)


@bp.post("/deployments/<deployment_id>/pairing/reject")
@needs(Permission.OPERATE)
def reject(deployment_id: str) -> ResponseReturnValue:
    request_id = request.form.get("request_id", "")
    device = reject_device(
        parse_id(deployment_id), request_id, actor=actor(), context=app_context()
    )
    return done(f"{device.label} was turned away.", deployment_id)


@bp.post("/deployments/<deployment_id>/pairing/remove")
@needs(Permission.OPERATE)
def remove(deployment_id: str) -> ResponseReturnValue:
    device_id = request.form.get("device_id", "")
    device = remove_device(parse_id(deployment_id), device_id, actor=actor(), context=app_context())
    return done(f"{device.label} was removed.", deployment_id)


_AT = datetime(2026, 11, 24, 6, tzinfo=UTC)
_REQUEST = RequestOf(deployment_id=EXAMPLE_ID, request_id="3c1f…")


@api_bp.get("/<id:deployment_id>")
@needs(Permission.VIEW)
@call(
    Subject.OPENING,
    "The devices of a gateway",
    example=Example(
        path={"deployment_id": EXAMPLE_ID},
        answer=DevicesShown(
            deployment_id=EXAMPLE_ID,
            state=PairingState.KNOWN,
            reason="",
            as_of=_AT,
            pending=[
                DeviceAsking(
                    request_id="3c1f…",
                    device_id="9ab4…",
                    label="Chrome on Linux",
                    address="192.0.2.7",
                    browser="Chrome on Linux",
                    opened_at="http://bots.example.com:30163",
                    client="openclaw-control-ui",
                    platform="Linux x86_64",
                    roles=["operator"],
                    scopes=["operator.admin"],
                    repair=False,
                    asked_at=_AT,
                    age_seconds=12,
                )
            ],
            paired=[],
        ),
    ),
)
def show_devices(deployment_id: str) -> DevicesShown:
    """Those that ask to be let in, and those that are paired, as last heard."""
    view = show_deployment(parse_id(deployment_id), context=app_context())
    devices = devices_of(view, context=app_context())
    seen = devices.seen
    return DevicesShown(
        deployment_id=view.deployment.id,
        state=seen.state,
        reason=seen.reason,
        as_of=seen.as_of,
        pending=[_pending(each) for each in devices.pending],
        paired=[_paired(each) for each in devices.paired],
    )


@api_bp.post("/approve")
@needs(Permission.OPERATE)
@call(
    Subject.OPENING,
    "Lets a device in",
    example=Example(
        body=_REQUEST,
        answer=Approved(deployment_id=EXAMPLE_ID, request_id="3c1f…", device_id="9ab4…"),
    ),
    errors=(RequestUnknown, *_ASKING),
)
def approve_request(body: RequestOf) -> Approved:
    """By this very request: one that was made after it is another."""
    deployment_id = parse_id(body.deployment_id)
    found = approve_device(deployment_id, body.request_id, actor=actor(), context=app_context())
    return Approved(
        deployment_id=deployment_id, request_id=found.request_id, device_id=found.device_id
    )


@api_bp.post("/reject")
@needs(Permission.OPERATE)
@call(
    Subject.OPENING,
    "Turns a device away",
    example=Example(
        body=_REQUEST,
        answer=Rejected(deployment_id=EXAMPLE_ID, request_id="3c1f…", device_id="9ab4…"),
    ),
    errors=(RequestUnknown, *_ASKING),
)
def reject_request(body: RequestOf) -> Rejected:
    """It may ask again."""
    deployment_id = parse_id(body.deployment_id)
    found = reject_device(deployment_id, body.request_id, actor=actor(), context=app_context())
    return Rejected(
        deployment_id=deployment_id, request_id=found.request_id, device_id=found.device_id
    )


@api_bp.post("/remove")
@needs(Permission.OPERATE)
@call(
    Subject.OPENING,
    "Takes a device's pairing away",
    example=Example(
        body=DeviceOf(deployment_id=EXAMPLE_ID, device_id="9ab4…"),
        answer=Removed(deployment_id=EXAMPLE_ID, device_id="9ab4…"),
    ),
    errors=(DeviceUnknown, *_ASKING),
)
def remove_paired(body: DeviceOf) -> Removed:
    """Its connection is cut; it may ask again."""
    deployment_id = parse_id(body.deployment_id)
    remove_device(deployment_id, body.device_id, actor=actor(), context=app_context())
    return Removed(deployment_id=deployment_id, device_id=body.device_id)


def _pending(asking: PendingRequest) -> DeviceAsking:
    age = datetime.now(UTC) - asking.asked_at
    return DeviceAsking(
        request_id=asking.request_id,
        device_id=asking.device_id,
        label=asking.label,
        address=asking.address,
        browser=asking.browser,
        opened_at=asking.origin,
        client=asking.client,
        platform=asking.platform,
        roles=list(asking.roles),
        scopes=list(asking.scopes),
        repair=asking.repair,
        asked_at=asking.asked_at,
        age_seconds=max(0, round(age.total_seconds())),
    )


def _paired(paired: PairedShown) -> DevicePaired:
    device = paired.device
    return DevicePaired(
        device_id=device.device_id,
        label=device.label,
        address=device.address,
        client=device.client,
        platform=device.platform,
        roles=list(device.roles),
        scopes=list(device.scopes),
        connected=device.connected,
        approved_at=device.approved_at,
        approved_by=paired.approved_by,
        last_seen_at=device.last_seen_at,
        own=paired.own,
    )
