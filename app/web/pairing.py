"""Pairing: the buttons on a deployment's page, and the calls of the API."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.deployment import parse_id
from app.core.pairing import PendingRequest, scope_words
from app.core.people import Permission
from app.usecases.overview import show_deployment
from app.usecases.pair import (
    Paired,
    approve_device,
    devices_of,
    reject_device,
    remove_device,
)
from app.web.access import needs
from app.web.calls import checked
from app.web.rendering import done
from app.web.request import actor, world

bp = Blueprint("pairing", __name__)
api_bp = Blueprint("pairing_api", __name__, url_prefix="/api/deploy/pairing")
bp.add_app_template_filter(scope_words)


@bp.post("/deployments/<deployment_id>/pairing/approve")
@needs(Permission.OPERATE)
def approve(deployment_id: str) -> ResponseReturnValue:
    request_id = request.form.get("request_id", "")
    device = approve_device(parse_id(deployment_id), request_id, actor=actor(), world=world())
    return done(f"{device.label} was let in.", deployment_id)


@bp.post("/deployments/<deployment_id>/pairing/reject")
@needs(Permission.OPERATE)
def reject(deployment_id: str) -> ResponseReturnValue:
    request_id = request.form.get("request_id", "")
    device = reject_device(parse_id(deployment_id), request_id, actor=actor(), world=world())
    return done(f"{device.label} was turned away.", deployment_id)


@bp.post("/deployments/<deployment_id>/pairing/remove")
@needs(Permission.OPERATE)
def remove(deployment_id: str) -> ResponseReturnValue:
    device_id = request.form.get("device_id", "")
    device = remove_device(parse_id(deployment_id), device_id, actor=actor(), world=world())
    return done(f"{device.label} was removed.", deployment_id)


@api_bp.get("/<deployment_id>")
@needs(Permission.VIEW)
def show_devices(deployment_id: str) -> ResponseReturnValue:
    card = show_deployment(parse_id(deployment_id), world=world())
    devices = devices_of(card, world=world())
    seen = devices.seen
    return jsonify(
        ok=True,
        deployment_id=card.deployment.id,
        state=seen.state,
        reason=seen.reason,
        as_of=_iso(seen.as_of),
        pending=[_pending(each) for each in devices.pending],
        paired=[_paired(each) for each in devices.paired],
    )


@api_bp.post("/approve")
@needs(Permission.OPERATE)
def approve_request() -> ResponseReturnValue:
    deployment_id, request_id = _given("request_id")
    found = approve_device(deployment_id, request_id, actor=actor(), world=world())
    return _answered(deployment_id, found, "approved")


@api_bp.post("/reject")
@needs(Permission.OPERATE)
def reject_request() -> ResponseReturnValue:
    deployment_id, request_id = _given("request_id")
    found = reject_device(deployment_id, request_id, actor=actor(), world=world())
    return _answered(deployment_id, found, "rejected")


@api_bp.post("/remove")
@needs(Permission.OPERATE)
def remove_paired() -> ResponseReturnValue:
    deployment_id, device_id = _given("device_id")
    remove_device(deployment_id, device_id, actor=actor(), world=world())
    return jsonify(ok=True, deployment_id=deployment_id, device_id=device_id, status="removed")


def _given(name: str) -> tuple[str, str]:
    given = checked({"deployment_id": str, name: str})
    return parse_id(given["deployment_id"]), given[name]


def _answered(deployment_id: str, found: PendingRequest, status: str) -> ResponseReturnValue:
    return jsonify(
        ok=True,
        deployment_id=deployment_id,
        request_id=found.request_id,
        device_id=found.device_id,
        status=status,
    )


def _pending(asking: PendingRequest) -> dict[str, Any]:
    age = datetime.now(UTC) - asking.asked_at
    return {
        "request_id": asking.request_id,
        "device_id": asking.device_id,
        "label": asking.label,
        "address": asking.address,
        "browser": asking.browser,
        "opened_at": asking.origin,
        "client": asking.client,
        "platform": asking.platform,
        "roles": list(asking.roles),
        "scopes": list(asking.scopes),
        "repair": asking.repair,
        "asked_at": asking.asked_at.isoformat(),
        "age_seconds": max(0, round(age.total_seconds())),
    }


def _paired(paired: Paired) -> dict[str, Any]:
    device = paired.device
    return {
        "device_id": device.device_id,
        "label": device.label,
        "address": device.address,
        "client": device.client,
        "platform": device.platform,
        "roles": list(device.roles),
        "scopes": list(device.scopes),
        "connected": device.connected,
        "approved_at": _iso(device.approved_at),
        "approved_by": paired.approved_by,
        "last_seen_at": _iso(device.last_seen_at),
        "own": paired.own,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
