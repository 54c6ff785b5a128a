"""The doctor's checks of the deployments folder."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core.deployment import Deployment
from app.core.doctor import folder, operations
from app.core.doctor.finding import DoctorFinding
from app.core.errors import engine_error
from app.engine.host import machine
from app.store import folder_inspection as inspection
from app.store.locks import holders_of, is_locked
from app.usecases.doctor.facts import Facts
from app.usecases.orphans.orphans import list_orphans

_WALK_SECONDS = 3.0
# Seconds for the parts of an operation that have no timeout of their own.
_MARGIN_SECONDS = 600
_LOCK_TRIES, _LOCK_PAUSE_SECONDS = 3, 0.2


def modes(facts: Facts) -> DoctorFinding:
    store = facts.context.store
    exposed, unreadable = inspection.exposed_in_root(store.root), 0
    if facts.settings.webhook_url and facts.shell.settings_file:
        exposed += inspection.exposed_file(Path(facts.shell.settings_file))
    listed = [Path(each.folder) for each in facts.deployments]
    folders = [each for each in listed if not each.is_symlink()]
    folders += [each.folder for each in store.archive.all()]
    for each in folders:
        try:
            exposed += inspection.exposed_in(each)
        except OSError:
            unreadable += 1
    looked = folder.Coverage(len(folders), unreadable)
    return folder.modes_finding(exposed, looked, facts.shell)


def owners(facts: Facts) -> DoctorFinding:
    until = time.monotonic() + _WALK_SECONDS
    snapshot = facts.snapshot_or_none
    misowned, unreadable = [], 0
    for each in facts.deployments:
        found, whole = inspection.misowned_paths(Path(each.folder), until)
        unreadable += not whole
        if found:
            path, uid = found[0]
            misowned.append(
                folder.MisownedFiles(
                    folder=each.folder,
                    path=path,
                    owner=machine.user_name_of(uid),
                    number=len(found),
                    runs=bool(snapshot and snapshot.of(each.id)),
                    top=Path(path).parent == Path(each.folder),
                )
            )
    looked = folder.Coverage(len(facts.deployments), unreadable)
    return folder.owners_finding(misowned, looked, facts.shell)


def links(facts: Facts) -> DoctorFinding:
    found = [link for each in facts.deployments for link in inspection.links_in(Path(each.folder))]
    return folder.links_finding(found, folder.Coverage(len(facts.deployments)), facts.shell)


def foreign(facts: Facts) -> DoctorFinding:
    store = facts.context.store
    return folder.foreign_finding(
        inspection.foreign_entries(store.root),
        str(store.root),
        len(facts.deployments),
        store.new_id,
        facts.shell,
    )


def orphans(facts: Facts) -> DoctorFinding:
    found = facts.of_engine("stranded", lambda: list_orphans(context=facts.context))
    if found.problem:
        raise engine_error(found.problem.code, found.problem.reason)
    ours = [each.project for each in found.ours]
    return folder.orphans_finding(ours, len(found.all) - len(ours), facts.shell)


def half_done(facts: Facts) -> DoctorFinding:
    settings = facts.settings
    # Twice, since a failed update launches the previous version again.
    steps = 2 * (settings.launch_timeout + settings.stop_timeout)
    longest = timedelta(seconds=settings.pull_timeout + steps + _MARGIN_SECONDS)
    now = datetime.now(UTC)
    held = [
        _held(each, longest, now)
        for each in facts.deployments
        if not Path(each.folder).is_symlink()
    ]
    return operations.operations_finding(held, longest, now, facts.shell)


def _held(deployment: Deployment, longest: timedelta, now: datetime) -> operations.DeploymentLock:
    running = deployment.running_operation
    path = Path(deployment.folder)
    suspect = now - running.started_at > longest if running else _stays_locked(path)
    return operations.DeploymentLock(
        deployment.id,
        deployment.label_with_id,
        deployment.operation,
        holders_of(path) if suspect else None,
    )


def _stays_locked(path: Path) -> bool:
    """Return whether a lock stays held for longer than a test of the lock takes."""
    for _ in range(_LOCK_TRIES):
        if not is_locked(path):
            return False
        time.sleep(_LOCK_PAUSE_SECONDS)
    return True
