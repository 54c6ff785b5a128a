"""A gateway's refusals, as text for people and as errors for scripts."""

from app.core.access.pairing import DeviceUnknown, GatewayRefused, RequestUnknown
from app.core.errors import UserError
from app.core.status.readiness import LOCKED_OUT, TOKEN_MISMATCH
from app.core.text import plain
from app.engine.pairing.connection import GatewayGone, Refused

_REASONS = {
    TOKEN_MISMATCH: "The gateway refuses the token of .env, so its devices are unknown.",
    LOCKED_OUT: "The gateway has locked this host out after wrong tokens. The next try is in"
    " five minutes.",
    "UNAVAILABLE": "The gateway is still starting.",
    "PAIRING_REQUIRED": "The gateway requires an approval of Deploy Agent's own device, and the"
    " gateway's command did not approve it: run `openclaw devices list` and `approve` in the"
    " container.",
}


def reason_of(error: Exception) -> str:
    """Return why a gateway's devices are not known."""
    if isinstance(error, UserError):
        return error.detail
    if isinstance(error, GatewayGone):
        return f"The gateway can't list its devices: {error}."
    assert isinstance(error, Refused)
    return _REASONS.get(error.code, f"The gateway refuses to list its devices ({error.code}).")


def as_user_error(refused: Refused) -> UserError:
    if refused.words in ("unknown requestId", "device pairing approval denied"):
        return unknown_request()
    if refused.words == "unknown deviceId":
        return unknown_device()
    if refused.code in _REASONS:
        return GatewayRefused(_REASONS[refused.code])
    return GatewayRefused(f"The gateway said: {plain(refused.words) or refused.code}.")


def unknown_request() -> RequestUnknown:
    return RequestUnknown(
        "The request was answered already, was replaced by a newer request, or expired: a request"
        " waits five minutes after its device last connected. The deployment's page shows the"
        " waiting requests."
    )


def unknown_device() -> DeviceUnknown:
    return DeviceUnknown(
        "The gateway has no such device: it may have been removed already."
        " The deployment's page shows the paired devices."
    )
