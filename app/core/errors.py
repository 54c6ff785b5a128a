"""Errors for people and scripts, each with a stable code and an HTTP status.

UserError
├── NotFound              404  no deployment or operation has that id
├── LinkExpired           404  the set-up link was used, is too old, or never existed
├── InputRejected         422  one or more fields are missing or wrong
│   └── AlreadyRunsImage       the deployment already runs the image of the update
├── NotLoggedIn           401  no login, or a wrong name or password
├── NotAllowed            403  the role does not allow it
├── TooManyAttempts       429  too many failed logins
├── Busy                  409  another operation is running on this deployment
│   └── RequestedTwice         the same person has started the same operation
├── FormAlreadySent       409  this form has already made its deployment
├── NoPreviousVersion     409  there is no state of a previous version to go back to
├── StaleForm             409  the files have changed since the form was loaded
├── DeploymentInvalid     409  the folder can't be launched as it is
├── NotRestored           409  the archived deployment can't be restored
├── NotPurged             409  the archived deployment was not deleted, or only in part
├── NotOrphaned           409  the project has its folder, or belongs to somebody else
├── NothingToUndo         409  no reconfiguration was interrupted
├── NothingToCancel       409  no operation is running that can be cancelled
├── GatewayNotRunning     409  the call needs a running gateway
├── WebhookNotSet         409  no webhook is set, so nothing can be sent
├── WasCancelled          409  somebody cancelled the operation that the call waited for
├── LaunchFailed          502  the gateway did not start
├── ReconfigureFailed     502  the gateway did not start, or somebody changed the files
├── StopFailed            502  the containers were not removed
├── UpdateFailed          502  the new image was not verified; image and state are rolled back
├── TokenNotVerified      502  the token was not rotated or equalized, or an old token still works
├── NotRemoved            502  an orphan was not removed
├── ArchiveFailed         502  the containers were not removed, or the folder was not moved
├── WebhookFailed         502  the webhook's receiver did not accept a message
├── LaunchTimeout         504  the gateway did not start in time
├── EngineUnreachable     503  nothing answers at the engine's address
├── EngineDenied          503  this user may not use the engine's socket
├── EngineSilent          504  the engine accepted the call and did not answer
├── EngineRefused         502  the engine answered with an error
├── RemoteEngine          503  the engine is on another machine, which does not have our folders
├── StorageFailed         507  the deployments folder can't be written, or a file of ours is damaged
├── TooManyOpenFiles      503  the server or the host has too many open files
├── TooManyWaiting        503  too many calls are waiting
└── TooManyStreams        503  too many pages receive live updates
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class UserError(Exception):
    """An error in words: what happened, why, and what to do next.

    `fields` has a message for each wrong field, by name. `extra` is added to the JSON answer
    unchanged, so it must not contain a secret.
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
        """The error as problem details (RFC 9457)."""
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


class LinkExpired(UserError):
    code, status, title = "link_dead", 404, "This link no longer works"


class InputRejected(UserError):
    code, status, title = "invalid_input", 422, "Some fields need another value"

    def __init__(self, fields: Mapping[str, str], extra: Mapping[str, Any] | None = None) -> None:
        detail = " ".join(f"{name}: {message}" for name, message in fields.items())
        super().__init__(detail, fields=fields, extra=extra)


class AlreadyRunsImage(InputRejected):
    """An update to the image that the deployment already runs: there is nothing to do."""


class NotLoggedIn(UserError):
    code, status, title = "not_logged_in", 401, "You need to log in"


class NotAllowed(UserError):
    code, status, title = "not_allowed", 403, "Your role does not allow this"


class TooManyAttempts(UserError):
    code, status, title = "too_many_attempts", 429, "Too many failed logins"


class Busy(UserError):
    code, status, title = "busy", 409, "Another operation is running"


class RequestedTwice(Busy):
    """The same person has already started the same operation, for example by a double click."""


class FormAlreadySent(UserError):
    code, status, title = "already_made", 409, "This form was already sent"

    def __init__(self, deployment_id: str) -> None:
        super().__init__(
            "This form was already sent and made this deployment. Nothing new was made. To make a"
            " second one, configure another like this.",
            extra={"deployment_id": deployment_id},
        )
        self.deployment_id = deployment_id


class StaleForm(UserError):
    """The files have changed since the form was loaded. `changed` names the variables and files."""

    code, status, title = "stale", 409, "Somebody else changed it"

    def __init__(self, changed: Sequence[str]) -> None:
        super().__init__(
            f"Your change was not applied: somebody else has changed {', '.join(changed)}. Check"
            " the present settings, then change them again.",
            extra={"changed": list(changed)},
        )
        self.changed = tuple(changed)


class DeploymentInvalid(UserError):
    code, status, title = "deployment_invalid", 409, "This deployment can't be launched as it is"


class NoPreviousVersion(UserError):
    code, status, title = "nothing_kept", 409, "There is no version to go back to"


class NotRestored(UserError):
    code, status, title = "not_restored", 409, "The deployment was not restored"


class NotPurged(UserError):
    code, status, title = "not_purged", 409, "The deployment was not deleted"


class NotOrphaned(UserError):
    code, status, title = "not_stranded", 409, "It is not an orphan"


class NothingToUndo(UserError):
    code, status, title = "not_undone", 409, "There is nothing to finish or undo"


class NothingToCancel(UserError):
    code, status, title = "not_cancelled", 409, "Nothing was cancelled"


class GatewayNotRunning(UserError):
    code, status, title = "gateway_not_running", 409, "The gateway is not running"


class WasCancelled(UserError):
    code, status, title = "cancelled", 409, "The operation was cancelled"


class WebhookNotSet(UserError):
    code, status, title = "webhook_not_set", 409, "No webhook is set"


class WebhookFailed(UserError):
    code, status, title = "webhook_failed", 502, "The message did not arrive"


class LaunchFailed(UserError):
    code, status, title = "launch_failed", 502, "The gateway did not start"


class ReconfigureFailed(UserError):
    code, status, title = "reconfigure_failed", 502, "The deployment was not reconfigured"


class StopFailed(UserError):
    code, status, title = "stop_failed", 502, "The gateway was not stopped"


class UpdateFailed(UserError):
    code, status, title = "update_failed", 502, "The deployment was not updated"


class TokenNotVerified(UserError):
    code, status, title = "token_not_proven", 502, "The token was not verified"


class NotRemoved(UserError):
    code, status, title = "not_removed", 502, "The orphan was not removed"


class ArchiveFailed(UserError):
    code, status, title = "archive_failed", 502, "The deployment was not archived"


class LaunchTimeout(UserError):
    code, status, title = "launch_timeout", 504, "The gateway did not start in time"


class EngineError(UserError):
    """The engine did not give a usable answer."""


class EngineUnreachable(EngineError):
    code, status, title = "engine_unreachable", 503, "Docker Engine can't be reached"


class EngineDenied(EngineError):
    code, status, title = "engine_denied", 503, "This user may not use Docker Engine"


class EngineSilent(EngineError):
    code, status, title = "engine_silent", 504, "Docker Engine does not answer"


class EngineRefused(EngineError):
    code, status, title = "engine_refused", 502, "Docker Engine reports an error"


class RemoteEngine(EngineError):
    code, status, title = "engine_remote", 503, "Docker Engine is on another machine"


def engine_error(code: str, reason: str) -> EngineError:
    """Return the error for a problem that was recorded in a snapshot."""
    kinds = (EngineUnreachable, EngineDenied, EngineSilent, EngineRefused)
    return next(kind for kind in kinds if kind.code == code)(f"{reason}.")


class StorageFailed(UserError):
    code, status, title = "storage_failed", 507, "The deployments folder can't be used"


class TooManyOpenFiles(UserError):
    code, status, title = "out_of_files", 503, "Too many open files"


class TooManyWaiting(UserError):
    code, status, title = "too_many_waiting", 503, "Too many calls are waiting"


class TooManyStreams(UserError):
    code, status, title = "too_many_streams", 503, "Too many pages receive live updates"
