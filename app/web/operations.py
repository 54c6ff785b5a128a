"""Operations: a page for each operation with live updates, cancelling, and the API calls."""

import re
from typing import Any

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue

from app.core.answers import EXAMPLE_ID, Answer
from app.core.deployment import Deployment
from app.core.diagnosis.command_lines import command_of
from app.core.errors import NothingToCancel, TooManyWaiting
from app.core.operations.operation import Operation, OperationState
from app.core.people import Permission
from app.core.status.status import Status
from app.usecases.operations.answers import CancelledAnswer, OperationShown
from app.usecases.operations.cancel import cancel_operation, wait_for_cancelled
from app.usecases.operations.operations import operation_of, output_since, steps_of, steps_size
from app.usecases.server.live_updates import Subscriber
from app.usecases.status.overview import show_deployment
from app.web.api.calls import CallTag, Example, call
from app.web.api.shapes import EXAMPLE_OPERATION, AcceptedAnswer, DeploymentBody, accepted
from app.web.page.rendering import Tab, done, render
from app.web.page.streams import Boxes, PageParts, event_stream, positions, render_parts
from app.web.server.permissions import needs
from app.web.server.request import actor, app_context

bp = Blueprint("operations", __name__)
api_bp = Blueprint("operations_api", __name__, url_prefix="/api/deploy")


class OperationAnswer(Answer, OperationShown):
    """One operation."""


# The templates of an operation's page.
_PARTS = ("status/_title", "status/_icon", "operations/_operation")


@bp.get("/deployments/<deployment_id>/operations/<int:number>")
@needs(Permission.VIEW)
def show(deployment_id: str, number: int) -> ResponseReturnValue:
    return render("operations/show", **_context(deployment_id, number))


@bp.get("/deployments/<deployment_id>/operations/<int:number>/stream")
@needs(Permission.VIEW)
def stream(deployment_id: str, number: int) -> ResponseReturnValue:
    """Stream updates of an operation's page."""
    output = Output()
    operation_of(deployment_id, number, context=app_context())

    def look() -> PageParts:
        context = _context(deployment_id, number)
        output.show(context["operation"])
        return PageParts(render_parts(_PARTS, context))

    return event_stream(look, output.boxes)


@bp.post("/deployments/<deployment_id>/cancel")
@needs(Permission.OPERATE)
def cancel(deployment_id: str) -> ResponseReturnValue:
    operation = cancel_operation(deployment_id, actor=actor(), context=app_context())
    return done(f"The {operation.kind.noun} is being cancelled.", deployment_id)


@api_bp.get("/operations/<deployment_id>/<int:number>")
@needs(Permission.VIEW)
@call(
    CallTag.LIFECYCLE,
    "Show one operation",
    example=Example(
        path={"deployment_id": EXAMPLE_ID, "number": 1},
        answer=OperationAnswer(**dict(EXAMPLE_OPERATION)),
    ),
)
def operation(deployment_id: str, number: int) -> OperationAnswer:
    """The operation's progress or outcome. The last 20 operations of each deployment are kept, also
    in the archive."""
    found = operation_of(deployment_id, number, context=app_context())
    return OperationAnswer.of(found)


@api_bp.post("/cancel")
@needs(Permission.OPERATE)
@call(
    CallTag.LIFECYCLE,
    "Cancel a running launch or restart",
    example=Example(
        body=DeploymentBody(deployment_id=EXAMPLE_ID),
        answer=CancelledAnswer(
            deployment_id=EXAMPLE_ID,
            status=Status.STOPPED,
            operation=EXAMPLE_OPERATION.model_copy(
                update={"state": OperationState.CANCELLED, "cancelled_by": "ada"}
            ),
        ),
    ),
    errors=(NothingToCancel, TooManyWaiting),
)
def cancel_and_wait(body: DeploymentBody) -> CancelledAnswer | AcceptedAnswer:
    """Removes the containers that the operation started, and waits until they are gone. If there is
    nothing to cancel, the answer is 409 `not_cancelled`. A stop can't be cancelled."""
    cancelled = cancel_operation(body.deployment_id, actor=actor(), context=app_context())
    ended = wait_for_cancelled(cancelled, context=app_context())
    if ended is None:
        return accepted(cancelled, "stopping")
    status = show_deployment(body.deployment_id, context=app_context()).report.status
    return CancelledAnswer(
        deployment_id=body.deployment_id, status=status, operation=OperationShown.of(ended)
    )


def operation_parts(operation: Operation | None, deployment: Deployment) -> dict[str, Any]:
    """Return the context of `operations/_operation.html`. The stream sends lines separately."""
    if operation is None:
        return {"operation": None}
    lines, position = (
        ([], 0) if g.get("streaming") else output_since(operation, 0, context=app_context())
    )
    return {
        "operation": operation,
        "steps": steps_of(operation, context=app_context()),
        "command": command_of(operation.kind, deployment),
        "output": lines,
        "output_position": position,
    }


def _context(deployment_id: str, number: int) -> dict[str, Any]:
    view = show_deployment(deployment_id, context=app_context())
    operation = operation_of(deployment_id, number, context=app_context())
    title = f"{operation.kind.label} {number} of {view.deployment.label}"
    return {
        "view": view,
        "tab": Tab.of(title, [view.report.status]),
        "alone": True,
        **operation_parts(operation, view.deployment),
    }


class Output:
    """The growing output of the operation on a page, as a box of lines."""

    def __init__(self) -> None:
        self._box: _OutputBox | None = None

    def show(self, operation: Operation | None) -> None:
        """Show the current state of an operation. A new operation gets a new box."""
        if operation is None:
            self._box = None
        elif self._box and self._box.operation.number == operation.number:
            self._box.operation = operation
        else:
            self._box = _OutputBox(operation)

    def boxes(self, subscriber: Subscriber) -> Boxes:
        if self._box is None:
            return {}
        self._box.subscriber = subscriber
        return {self._box.name: self._box}


_OFFSET = re.compile(r"[0-9]{1,12}", re.ASCII)


class _OutputBox:
    """Follows the log of one operation, beginning after the page's last line."""

    subscriber: Subscriber | None = None

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.name = f"output-{operation.number}"
        asked = positions().get(self.name, "")
        self._offset = int(asked) if _OFFSET.fullmatch(asked) else 0
        self._steps_size = steps_size(operation, context=app_context())

    @property
    def position(self) -> str:
        return str(self._offset)

    @property
    def pause(self) -> float:
        return 0.25 if self.operation.state is OperationState.RUNNING else 5.0

    def more(self) -> str:
        before = self._offset, self._steps_size
        lines, self._offset = output_since(self.operation, self._offset, context=app_context())
        self._steps_size = steps_size(self.operation, context=app_context())
        if (self._offset, self._steps_size) != before and self.subscriber:
            # The steps on the page change too: the running step shows the last line of the log.
            self.subscriber.notify()
        if not lines:
            return ""
        return render_template("operations/_output.html", lines=lines, operation=self.operation)

    def close(self) -> None:
        """Do nothing: no file stays open between two reads."""
