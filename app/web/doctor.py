"""The doctor: its page, and its call of the API."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from app.core.doctor.finding import Subject, as_text, summary
from app.core.people import Permission
from app.usecases.doctor import describe, examine
from app.web.access import needs
from app.web.rendering import render
from app.web.request import world

bp = Blueprint("doctor", __name__)
api_bp = Blueprint("doctor_api", __name__, url_prefix="/api/deploy/doctor")


@bp.get("/doctor")
@needs(Permission.VIEW)
def show() -> ResponseReturnValue:
    examination = examine(world=world())
    findings = examination.findings
    others = [each for each in findings if not each.verdict.needs_attention]
    groups = {"Needs attention": [each for each in findings if each.verdict.needs_attention]}
    for subject in Subject:
        groups[subject.value] = [each for each in others if each.subject is subject]
    return render(
        "doctor/show",
        at=examination.at,
        summary=summary(findings),
        groups=groups,
        report=as_text(findings),
    )


@api_bp.get("")
@needs(Permission.VIEW)
def examine_for_script() -> ResponseReturnValue:
    return jsonify({"ok": True, **describe(examine(world=world()))})
