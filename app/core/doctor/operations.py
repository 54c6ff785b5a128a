"""Operations that ended half-way or never end, and locks that nobody should hold."""

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
    "One that died half-way leaves its gateway half-made; one that never ends, or a lock that"
    " somebody else holds, lets no other begin.",
)
# From an outcome to the free lock, on a host that is busy.
_LAST_STEP = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class DeploymentLock:
    """A deployment and its latest operation. `locked_by` are the processes that hold its lock,
    None where nobody does.
    """

    deployment_id: str
    label: str
    operation: Operation | None
    locked_by: tuple[int, ...] | None = None


def operations_finding(
    held: Sequence[DeploymentLock], longest: timedelta, now: datetime, shell: Shell
) -> DoctorFinding:
    """`longest` is what an operation may take by its own deadlines."""
    for find in (_never_ending, _locked_by_others, _left_half_way):
        if finding := find(held, longest, now, shell):
            return finding
    running = sum(_runs(each) for each in held)
    under_way = f"{counted(running, 'operation')} under way" if running else "None is under way"
    return OPERATIONS.good(f"{under_way}, none was left half-way, and nobody else holds a lock.")


def _runs(held: DeploymentLock) -> bool:
    return held.operation is not None and held.operation.state is OperationState.RUNNING


def _never_ending(
    held: Sequence[DeploymentLock], longest: timedelta, now: datetime, shell: Shell
) -> DoctorFinding | None:
    found = [
        (each, each.operation)
        for each in held
        if each.operation and _runs(each) and now - each.operation.started_at > longest
    ]
    if not found:
        return None
    told = [
        f"the {op.kind.noun} of {each.label} since {duration(now - op.started_at)}"
        for each, op in found
    ]
    return OPERATIONS.bad(
        f"Still under way: {listed(told)}; its own deadlines end at {duration(longest)}.",
        "The line ends its process; it is shown as interrupted then, and can be done again.",
        _kill(found[0][0].locked_by or (), shell),
    )


def _locked_by_others(
    held: Sequence[DeploymentLock], longest: timedelta, now: datetime, shell: Shell
) -> DoctorFinding | None:
    found = [each for each in held if each.locked_by is not None and not _settles(each, now)]
    if not found:
        return None
    return OPERATIONS.bad(
        f"Another program holds the lock of {listed([each.label for each in found])}.",
        "No operation can begin there. The line ends that program; look with `ps -fp` who it is.",
        _kill(found[0].locked_by or (), shell),
    )


def _settles(held: DeploymentLock, now: datetime) -> bool:
    """Return whether an operation holds the lock, or has just ended."""
    if _runs(held):
        return True
    ended = held.operation.ended_at if held.operation else None
    return ended is not None and now - ended < _LAST_STEP


def _kill(processes: Sequence[int], shell: Shell) -> str:
    return shell.as_root(quoted("kill", *map(str, processes))) if processes else ""


def _left_half_way(
    held: Sequence[DeploymentLock], longest: timedelta, now: datetime, shell: Shell
) -> DoctorFinding | None:
    found = [
        (each, each.operation)
        for each in held
        if each.operation
        and (each.operation.state is OperationState.INTERRUPTED or each.operation.can_be_resumed)
    ]
    if not found:
        return None
    told = [
        f"the {op.kind.noun} of {each.label} by {op.actor}, {ago(op.started_at, now)}"
        for each, op in found
    ]
    held_there, operation = found[0]
    return OPERATIONS.warning(
        f"Left half-way: {listed(told)}.",
        f"{held_there.label}: {operation.kind.after_interruption}",
        shell.deploy_agent(*_again(operation)),
    )


def _again(operation: Operation) -> list[str]:
    """Return the call that ends what was left half-way; most is made whole by a launch."""
    if operation.resumption == "undo":
        return ["reconfigure", operation.deployment_id, "--undo"]
    verb, *options = operation.kind.facts.retry
    return [verb, operation.deployment_id, *options]
