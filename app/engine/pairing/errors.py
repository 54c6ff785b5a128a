"""A gateway's refusals, in words for people and as errors for scripts."""

from app.core.access.pairing import DeviceUnknown, GatewayRefused, RequestUnknown
from app.core.errors import UserError
from app.core.status.readiness import LOCKED_OUT, TOKEN_MISMATCH
from app.core.text import plain
from app.engine.pairing.connection import GatewayGone, Refused

_REASONS = {
    TOKEN_MISMATCH: "The gateway refuses the token of .env, so it can't be asked.",
    LOCKED_OUT: "The gateway has locked this host out after wrong tokens; it is asked again in"
    " five minutes.",
    "UNAVAILABLE": "The gateway is still starting.",
    "PAIRING_REQUIRED": "The gateway wants Deploy Agent's own device approved first, and its own"
    " command did not do that: run `openclaw devices list` and `approve` in its container.",
}


def reason_of(error: Exception) -> str:
    """Return why a gateway's devices are not known."""
    if isinstance(error, UserError):
        return error.detail
    if isinstance(error, GatewayGone):
        return f"The gateway can't be asked: {error}."
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
        "It was answered already, replaced by a newer one, or it expired: a request waits five"
        " minutes after its device was last heard. The deployment's page shows those that wait."
    )


def unknown_device() -> DeviceUnknown:
    return DeviceUnknown(
        "The gateway has no such device: it may have been removed already."
        " The deployment's page shows those that are paired."
    )
