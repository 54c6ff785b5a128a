"""What can go wrong for a person, each with a stable code and an HTTP status.

UserError
├── NotFound              404  no deployment or operation of that id
├── LinkDead              404  a set-up link that was used, is too old, or never was
├── InputRejected         422  one or more fields are missing or wrong
│   └── RunsAlready            the image is what it runs already
├── NotLoggedIn           401  nobody is logged in, or with a wrong name or password
├── NotAllowed            403  the role does not allow it
├── TooManyAttempts       429  log-ins failed too often
├── Busy                  409  another operation runs on this deployment
├── AlreadyMade           409  this form has made its deployment before
├── NothingKept           409  no state of a version before is kept
├── Stale                 409  the files have changed since the form was made of them
├── DeploymentInvalid     409  the folder can't be launched as it is
├── NotRestored           409  an archived deployment can't be where it was
├── NotPurged             409  an archived deployment can't be deleted, or not whole
├── NotStranded           409  it has its folder, or is somebody else's
├── NotUndone             409  no reconfiguration is left half done
├── NotCancelled          409  nothing runs that can be cancelled
├── GatewayNotRunning     409  only a gateway that runs can be asked that
├── WebhookNotSet         409  no webhook is set, so nothing can be sent
├── WasCancelled          409  somebody cancelled what the call was waiting for
├── LaunchFailed          502  the gateway didn't come up
├── ReconfigureFailed     502  the gateway didn't come up with it, or the files were changed
├── StopFailed            502  the containers didn't go away
├── UpdateFailed          502  the new image was not proven; image and state are the old ones
├── TokenNotProven        502  the token was not rotated or made equal, or the old one still works
├── NotRemoved            502  something stranded didn't go away
├── ArchiveFailed         502  the containers didn't go away, or the folder did not move
├── WebhookFailed         502  the webhook's receiver did not take a message
├── LaunchTimeout         504  the gateway didn't come up in time
├── EngineUnreachable     503  nothing answers at the engine's address
├── EngineDenied          503  the engine's socket is not ours to use
├── EngineSilent          504  the engine accepted the call and said nothing
├── EngineRefused         502  the engine answered, and refused
├── RemoteEngine          503  the engine is on another machine, where our folders are not
├── StorageFailed         507  the deployments folder can't be written, or a file of ours is damaged
├── OutOfFiles            503  the server or the host has too many files open
├── TooManyWaiting        503  every place for a waiting call is taken
└── TooManyStreams        503  as many pages follow along as may
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class UserError(Exception):
    """A failure told in words: what happened, why, and what to do next.

    `fields` maps a field's name to its own message. `extra` is added to the
    JSON answer as it is, so it must hold no secret.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(
        self,
        detail: str,
        *,
        fields: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = dict(fields or {})
        self.extra = dict(extra or {})

    @property
    def problem(self) -> dict[str, Any]:
        """The error as scripts get it: problem details (RFC 9457)."""
        wrong = [{"field": name, "message": message} for name, message in self.fields.items()]
        return {
            "ok": False,
            "title": self.title,
            "detail": self.detail,
            "status": self.status,
            "code": self.code,
            **self.extra,
            **({"errors": wrong} if wrong else {}),
        }


class NotFound(UserError):
    code, status, title = "not_found", 404, "There is no such deployment"


class LinkDead(UserError):
    code, status, title = "link_dead", 404, "This link opens nothing any more"


class InputRejected(UserError):
    code, status, title = "invalid_input", 422, "Some fields need another value"

    def __init__(self, fields: Mapping[str, str], extra: Mapping[str, Any] | None = None) -> None:
        detail = " ".join(f"{name}: {message}" for name, message in fields.items())
        super().__init__(detail, fields=fields, extra=extra)


class RunsAlready(InputRejected):
    """An update to what runs already: nothing is left to be done."""


class NotLoggedIn(UserError):
    code, status, title = "not_logged_in", 401, "A log-in is needed"


class NotAllowed(UserError):
    code, status, title = "not_allowed", 403, "Your role does not allow this"


class TooManyAttempts(UserError):
    code, status, title = "too_many_attempts", 429, "Too many log-ins failed"


class Busy(UserError):
    code, status, title = "busy", 409, "Another operation is running"


class FormAlreadySent(UserError):
    code, status, title = "already_made", 409, "This form was sent before"

    def __init__(self, deployment_id: str) -> None:
        super().__init__(
            "This form was sent before and has made this deployment; nothing new was made."
            " For a second one, configure another like this.",
            extra={"deployment_id": deployment_id},
        )
        self.deployment_id = deployment_id


class StaleForm(UserError):
    """`changed` are the variables and files that are not what they were."""

    code, status, title = "stale", 409, "It was changed meanwhile"

    def __init__(self, changed: Sequence[str]) -> None:
        super().__init__(
            f"Nothing was changed: meanwhile somebody changed {', '.join(changed)}. Look at it"
            " as it is now, then change it again.",
            extra={"changed": list(changed)},
        )
        self.changed = tuple(changed)


class DeploymentInvalid(UserError):
    code, status, title = "deployment_invalid", 409, "This deployment can't be launched as it is"


class NoPreviousVersion(UserError):
    code, status, title = "nothing_kept", 409, "There is no version to go back to"


class NotRestored(UserError):
    code, status, title = "not_restored", 409, "It was not restored"


class NotPurged(UserError):
    code, status, title = "not_purged", 409, "It was not deleted"


class NotOrphaned(UserError):
    code, status, title = "not_stranded", 409, "It is not stranded"


class NothingToUndo(UserError):
    code, status, title = "not_undone", 409, "There is nothing to finish or undo"


class NothingToCancel(UserError):
    code, status, title = "not_cancelled", 409, "Nothing was cancelled"


class GatewayNotRunning(UserError):
    code, status, title = "gateway_not_running", 409, "The gateway is not running"


class WasCancelled(UserError):
    code, status, title = "cancelled", 409, "It was cancelled"


class WebhookNotSet(UserError):
    code, status, title = "webhook_not_set", 409, "There is nowhere to send a message"


class WebhookFailed(UserError):
    code, status, title = "webhook_failed", 502, "The message did not arrive"


class LaunchFailed(UserError):
    code, status, title = "launch_failed", 502, "The gateway did not come up"


class ReconfigureFailed(UserError):
    code, status, title = "reconfigure_failed", 502, "The deployment was not reconfigured"


class StopFailed(UserError):
    code, status, title = "stop_failed", 502, "The gateway was not stopped"


class UpdateFailed(UserError):
    code, status, title = "update_failed", 502, "It was not updated"


class TokenNotVerified(UserError):
    code, status, title = "token_not_proven", 502, "The token was not proven"


class NotRemoved(UserError):
    code, status, title = "not_removed", 502, "It was not removed"


class ArchiveFailed(UserError):
    code, status, title = "archive_failed", 502, "The deployment was not archived"


class LaunchTimeout(UserError):
    code, status, title = "launch_timeout", 504, "The gateway did not come up in time"


class EngineError(UserError):
    """The engine gave no answer that we can use."""


class EngineUnreachable(EngineError):
    code, status, title = "engine_unreachable", 503, "Docker Engine can't be reached"


class EngineDenied(EngineError):
    code, status, title = "engine_denied", 503, "Docker Engine is not ours to use"


class EngineSilent(EngineError):
    code, status, title = "engine_silent", 504, "Docker Engine does not answer"


class EngineRefused(EngineError):
    code, status, title = "engine_refused", 502, "Docker Engine refused"


class RemoteEngine(EngineError):
    code, status, title = "engine_remote", 503, "Docker Engine is on another machine"


def engine_error(code: str, reason: str) -> EngineError:
    """Return the error of a problem that a snapshot has kept."""
    kinds = (EngineUnreachable, EngineDenied, EngineSilent, EngineRefused)
    return next(kind for kind in kinds if kind.code == code)(f"{reason}.")


class StorageFailed(UserError):
    code, status, title = "storage_failed", 507, "The deployments folder can't be used"


class OutOfFiles(UserError):
    code, status, title = "out_of_files", 503, "Too many files are open"


class TooManyWaiting(UserError):
    code, status, title = "too_many_waiting", 503, "Too many calls are waiting"


class TooManyStreams(UserError):
    code, status, title = "too_many_streams", 503, "Too many pages follow along"
