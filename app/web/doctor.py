"""The doctor: its page and its API call."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.core.answers import EXAMPLE_TIME
from app.core.doctor.finding import Area, as_text
from app.core.doctor.folder import MODES
from app.core.people import Permission
from app.usecases.doctor.answers import DoctorAnswer
from app.usecases.doctor.doctor import examine
from app.web.api.calls import CallTag, Example, call
from app.web.page.rendering import render
from app.web.server.permissions import needs
from app.web.server.request import app_context

bp = Blueprint("doctor", __name__)
api_bp = Blueprint("doctor_api", __name__, url_prefix="/api/deploy/doctor")


@bp.get("/doctor")
@needs(Permission.VIEW)
def show() -> ResponseReturnValue:
    examination = examine(context=app_context())
    findings = examination.findings
    others = [each for each in findings if not each.verdict.needs_attention]
    groups = {"Needs attention": [each for each in findings if each.verdict.needs_attention]}
    for area in Area:
        groups[area.value] = [each for each in others if each.area is area]
    return render(
        "doctor/show",
        tab="Doctor",
        at=examination.examined_at,
        summary=examination.summary,
        groups=groups,
        report=as_text(findings),
    )


_EXAMPLE = DoctorAnswer(
    summary="1 thing needs attention.",
    examined_at=EXAMPLE_TIME,
    findings=[
        MODES.bad(
            "Others on this host may read or change /srv/deployments/0b7a3361be/.env (0644).",
            "Allow only its owner to read and change it.",
            "chmod go-rwx /srv/deployments/0b7a3361be/.env",
        )
    ],
)


@api_bp.get("")
@needs(Permission.VIEW)
@call(CallTag.HOST, "Examine this host", example=Example(_EXAMPLE))
def examine_for_script() -> DoctorAnswer:
    """Checks Docker Engine, this host and the deployments folder, each with a timeout.

    `verdict` is good, warning, bad or not known; `fix` is a shell command for the host. A check
    that times out is “not known” and delays no other.
    """
    return examine(context=app_context())
