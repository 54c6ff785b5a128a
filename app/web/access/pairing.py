"""Pairing: the buttons on a deployment's page, and the API calls."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.access.pairing import (
    DeviceUnknown,
    GatewayRefused,
    GatewaySilent,
    PairingState,
    RequestUnknown,
)
from app.core.access.pairing_words import scope_words
from app.core.answers import EXAMPLE_ID, EXAMPLE_TIME
from app.core.errors import GatewayNotRunning
from app.core.people import Permission
from app.usecases.access.answers import (
    ApprovedDeviceAnswer,
    DevicesAnswer,
    PendingDeviceShown,
    RejectedDeviceAnswer,
    RemovedDeviceAnswer,
)
from app.usecases.access.pairing import approve_device, devices_of, reject_device, remove_device
from app.usecases.status.overview import show_deployment
from app.web.api.calls import CallTag, Example, call
from app.web.api.shapes import DeploymentBody, Text
from app.web.page.rendering import done
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

bp = Blueprint("pairing", __name__)
api_bp = Blueprint("pairing_api", __name__, url_prefix="/api/deploy/pairing")
bp.add_app_template_filter(scope_words)
_ASKING = (GatewayNotRunning, GatewayRefused, GatewaySilent)


class PairingRequestBody(DeploymentBody):
    """A device's request for access."""

    request_id: Text


class PairedDeviceBody(DeploymentBody):
    """A paired device."""

    device_id: Text


@bp.post("/deployments/<deployment_id>/pairing/approve")
@needs(Permission.OPERATE)
def approve(deployment_id: str) -> ResponseReturnValue:
    request_id = request.form.get("request_id", "")
    device = approve_device(deployment_id, request_id, actor=actor(), context=app_context())
    return done(f"{device.label} was approved.", deployment_id)


@bp.post("/deployments/<deployment_id>/pairing/reject")
@needs(Permission.OPERATE)
def reject(deployment_id: str) -> ResponseReturnValue:
    request_id = request.form.get("request_id", "")
    device = reject_device(deployment_id, request_id, actor=actor(), context=app_context())
    return done(f"{device.label} was rejected.", deployment_id)


@bp.post("/deployments/<deployment_id>/pairing/remove")
@needs(Permission.OPERATE)
def remove(deployment_id: str) -> ResponseReturnValue:
    device_id = request.form.get("device_id", "")
    device = remove_device(deployment_id, device_id, actor=actor(), context=app_context())
    return done(f"{device.label} was removed.", deployment_id)


_REQUEST = PairingRequestBody(deployment_id=EXAMPLE_ID, request_id="3c1f…")
_DECIDED = {"deployment_id": EXAMPLE_ID, "request_id": "3c1f…", "device_id": "9ab4…"}


@api_bp.get("/<id:deployment_id>")
@needs(Permission.VIEW)
@call(
    CallTag.ACCESS,
    "List the devices of a gateway",
    example=Example(
        path={"deployment_id": EXAMPLE_ID},
        answer=DevicesAnswer(
            deployment_id=EXAMPLE_ID,
            state=PairingState.KNOWN,
            reason="",
            as_of=EXAMPLE_TIME,
            pending=[
                PendingDeviceShown(
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
                    asked_at=EXAMPLE_TIME,
                    age_seconds=12,
                )
            ],
            paired=[],
        ),
    ),
)
def show_devices(deployment_id: str) -> DevicesAnswer:
    """Devices that request access and paired devices, as last reported by the gateway."""
    view = show_deployment(deployment_id, context=app_context())
    devices = devices_of(view, context=app_context())
    return DevicesAnswer.of(devices, deployment_id=view.deployment.id)


@api_bp.post("/approve")
@needs(Permission.OPERATE)
@call(
    CallTag.ACCESS,
    "Approve a device",
    example=Example(body=_REQUEST, answer=ApprovedDeviceAnswer(**_DECIDED)),
    errors=(RequestUnknown, *_ASKING),
)
def approve_request(body: PairingRequestBody) -> ApprovedDeviceAnswer:
    """Approves only this request. A later request of the same device has another id."""
    found = approve_device(
        body.deployment_id, body.request_id, actor=actor(), context=app_context()
    )
    return ApprovedDeviceAnswer.of(found, deployment_id=body.deployment_id)


@api_bp.post("/reject")
@needs(Permission.OPERATE)
@call(
    CallTag.ACCESS,
    "Reject a device",
    example=Example(body=_REQUEST, answer=RejectedDeviceAnswer(**_DECIDED)),
    errors=(RequestUnknown, *_ASKING),
)
def reject_request(body: PairingRequestBody) -> RejectedDeviceAnswer:
    """The device may send another request."""
    found = reject_device(body.deployment_id, body.request_id, actor=actor(), context=app_context())
    return RejectedDeviceAnswer.of(found, deployment_id=body.deployment_id)


@api_bp.post("/remove")
@needs(Permission.OPERATE)
@call(
    CallTag.ACCESS,
    "Remove a paired device",
    example=Example(
        body=PairedDeviceBody(deployment_id=EXAMPLE_ID, device_id="9ab4…"),
        answer=RemovedDeviceAnswer(deployment_id=EXAMPLE_ID, device_id="9ab4…"),
    ),
    errors=(DeviceUnknown, *_ASKING),
)
def remove_paired(body: PairedDeviceBody) -> RemovedDeviceAnswer:
    """The device's connection is closed. The device may request access again."""
    remove_device(body.deployment_id, body.device_id, actor=actor(), context=app_context())
    return RemovedDeviceAnswer(deployment_id=body.deployment_id, device_id=body.device_id)
