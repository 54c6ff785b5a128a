"""Checks of operations and locks: interrupted or endless operations, and foreign locks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.doctor.finding import Area, DoctorCheck, DoctorFinding, counted, listed
from app.core.doctor.shell import Shell, quoted
from app.core.operations.operation import Operation, OperationState
from app.core.time_words import ago, duration

OPERATIONS = DoctorCheck(
    "operations",
    "Operations and locks",
    Area.FOLDER,
    "An interrupted operation leaves its gateway half changed. An operation that never ends, or a"
    " lock that another program holds, blocks every other operation.",
)
# Time between an operation's outcome and the release of its lock, on a busy host.
_UNLOCK_TIME = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class DeploymentLock:
    """A deployment, its latest operation, and the processes that hold its lock.

    `locked_by` are the ids of these processes, or None if no process holds the lock.
    """

    deployment_id: str
    label: str
    operation: Operation | None
    locked_by: tuple[int, ...] | None = None

    @property
    def is_running(self) -> bool:
        return self.operation is not None and self.operation.state is OperationState.RUNNING


def operations_finding(
    locks: Sequence[DeploymentLock], longest: timedelta, now: datetime, shell: Shell
) -> DoctorFinding:
    """Report the worst problem. `longest` is the longest time that an operation may take."""
    found = (
        _never_ending(locks, longest, now, shell)
        or _locked_by_others(locks, now, shell)
        or _interrupted(locks, now, shell)
    )
    if found:
        return found
    running = sum(each.is_running for each in locks)
    state = f"{counted(running, 'operation')} running" if running else "None is running"
    return OPERATIONS.good(f"{state}, none was interrupted, and no other program holds a lock.")


def _never_ending(
    locks: Sequence[DeploymentLock], longest: timedelta, now: datetime, shell: Shell
) -> DoctorFinding | None:
    found = [
        (each, each.operation)
        for each in locks
        if each.operation and each.is_running and now - each.operation.started_at > longest
    ]
    if not found:
        return None
    texts = [
        f"the {op.kind.noun} of {each.label}, for {duration(now - op.started_at)}"
        for each, op in found
    ]
    return OPERATIONS.bad(
        f"Still running: {listed(texts)}. It should have ended within {duration(longest)}.",
        "This command kills its process. Then the operation is shown as interrupted and can be"
        " repeated.",
        _kill(found[0][0].locked_by or (), shell),
    )


def _locked_by_others(
    locks: Sequence[DeploymentLock], now: datetime, shell: Shell
) -> DoctorFinding | None:
    found = [each for each in locks if each.locked_by is not None and not _is_own_lock(each, now)]
    if not found:
        return None
    return OPERATIONS.bad(
        f"Another program holds the lock of {listed([each.label for each in found])}.",
        "No operation can start there. This command kills that program; `ps -fp` shows its name.",
        _kill(found[0].locked_by or (), shell),
    )


def _is_own_lock(lock: DeploymentLock, now: datetime) -> bool:
    """Return whether an operation holds the lock, or has just ended."""
    if lock.is_running:
        return True
    ended_at = lock.operation.ended_at if lock.operation else None
    return ended_at is not None and now - ended_at < _UNLOCK_TIME


def _kill(processes: Sequence[int], shell: Shell) -> str:
    return shell.as_root(quoted("kill", *map(str, processes))) if processes else ""


def _interrupted(
    locks: Sequence[DeploymentLock], now: datetime, shell: Shell
) -> DoctorFinding | None:
    found = [
        (each, each.operation)
        for each in locks
        if each.operation
        and (each.operation.state is OperationState.INTERRUPTED or each.operation.can_be_resumed)
    ]
    if not found:
        return None
    texts = [
        f"the {op.kind.noun} of {each.label} by {op.actor}, {ago(op.started_at, now)}"
        for each, op in found
    ]
    lock, operation = found[0]
    return OPERATIONS.warning(
        f"Interrupted: {listed(texts)}.",
        f"{lock.label}: {operation.kind.after_interruption}",
        shell.deploy_agent(*_repeat(operation)),
    )


def _repeat(operation: Operation) -> list[str]:
    """Return the command that completes an interrupted operation."""
    if operation.resumption == "undo":
        return ["reconfigure", operation.deployment_id, "--undo"]
    verb, *options = operation.kind.facts.retry
    return [verb, operation.deployment_id, *options]
