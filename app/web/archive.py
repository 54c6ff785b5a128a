"""The archive: its page, restoring and deleting for good, and the API calls of all of it."""

from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request

from app.core.deployment import parse_id
from app.core.errors import InputRejected, NotFound
from app.core.people import Permission
from app.usecases.archive import (
    archive_deployment,
    describe_archived,
    find_archived,
    list_archived,
    newest_archived,
    search_archived,
    wait_for_archive,
)
from app.usecases.purge import purge_archived
from app.usecases.restore import restore_archived
from app.web.access import may, needs
from app.web.calls import accepted, checked
from app.web.rendering import Tab, lead_to, render
from app.web.request import actor, world
from app.web.streams import Shown, follow

bp = Blueprint("archive", __name__, url_prefix="/archive")
api_bp = Blueprint("archive_api", __name__, url_prefix="/api/deploy")


@bp.get("")
@needs(Permission.VIEW)
def show() -> ResponseReturnValue:
    return render("archive/show", **_context(_asked()))


@bp.get("/stream")
@needs(Permission.VIEW)
def stream() -> ResponseReturnValue:
    """Send what changes on the archive's page."""
    asked = _asked()

    def look() -> Shown:
        return Shown({"archived": render_template("archive/_archived.html", **_context(asked))})

    return follow(look)


@bp.post("/<archived>/restore")
@needs(Permission.OPERATE)
def restore(archived: str) -> ResponseReturnValue:
    restored = restore_archived(archived, actor=actor(), world=world())
    flash(restored.words, "done")
    return lead_to(url_for("pages.show", deployment_id=restored.deployment.id))


@bp.get("/<archived>/purge")
@needs(Permission.OPERATE)
def ask_to_purge(archived: str) -> ResponseReturnValue:
    return _question(archived)


@bp.post("/<archived>/purge")
@needs(Permission.OPERATE)
def purge(archived: str) -> ResponseReturnValue:
    label = find_archived(archived, world=world()).label
    typed = request.form.get("confirm", "")
    try:
        gone = purge_archived(archived, typed, actor=actor(), world=world())
    except InputRejected as rejected:
        return _question(archived, rejected.fields, typed, 422)
    flash(f"“{label}” {'was deleted for good' if gone else 'is being deleted'}.", "done")
    return lead_to(url_for("archive.show"))


@api_bp.get("/archived")
@needs(Permission.VIEW)
def list_all() -> ResponseReturnValue:
    return jsonify([describe_archived(each) for each in list_archived(world=world())])


@api_bp.post("/archive")
@needs(Permission.OPERATE)
def archive_and_wait() -> ResponseReturnValue:
    given = checked({"deployment_id": str, "wait": bool}, optional=("wait",))
    deployment_id = parse_id(given["deployment_id"])
    started = archive_deployment(deployment_id, actor=actor(), world=world())
    if given.get("wait", True) and wait_for_archive(started, world=world()):
        return jsonify(ok=True, deployment_id=deployment_id, status="archived")
    return accepted(started.operation, "stopping")


@api_bp.post("/restore")
@needs(Permission.OPERATE)
def restore_by_script() -> ResponseReturnValue:
    given = checked({"deployment_id": str})
    restored = restore_archived(given["deployment_id"], actor=actor(), world=world())
    deployment = restored.deployment
    return jsonify(
        ok=True,
        deployment_id=deployment.id,
        port=deployment.port,
        status="stopped",
        remarks=restored.remarks,
    )


@api_bp.post("/purge")
@needs(Permission.OPERATE)
def purge_by_script() -> ResponseReturnValue:
    given = checked({"deployment_id": str, "confirm": str})
    archived = find_archived(given["deployment_id"], world=world())
    gone = purge_archived(archived.name, given["confirm"], actor=actor(), world=world())
    answer = jsonify(
        ok=True, deployment_id=archived.deployment.id, status="purged" if gone else "purging"
    )
    answer.status_code = 200 if gone else 202
    return answer


def to_archived(deployment_id: str) -> ResponseReturnValue:
    """Lead whoever follows a deployment into the archive to where it stands there.

    Raises NotFound where it is not there either.
    """
    newest = newest_archived(deployment_id, world=world())
    if newest is None:
        raise NotFound(
            f"There is no deployment {deployment_id}."
            " It may have been removed; the list has those that are there."
        )
    return redirect(url_for("archive.show", _anchor=newest), code=303)


def _asked() -> str:
    return str(request.args.get("q", ""))[:100].strip()


def _context(asked: str) -> dict[str, Any]:
    found = search_archived(asked, world=world())
    return {
        "tab": Tab("Archive"),
        "asked": asked,
        "may_operate": may(Permission.OPERATE),
        "total": len(list_archived(world=world())) if asked else len(found),
        "rows": [(each, world().sizes.of(each.folder)) for each in found],
    }


def _question(
    name: str, errors: dict[str, str] | None = None, typed: str = "", status: int = 200
) -> Response:
    archived = find_archived(name, world=world())
    return render("archive/purge", status, archived=archived, errors=errors or {}, typed=typed)
