"""The doctor's checks of the deployments folder and of operations."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from click import Context

from app.cli.main import main
from app.core.doctor.finding import DoctorVerdict
from app.core.doctor.folder import (
    Coverage,
    ExposedPath,
    FolderLink,
    ForeignEntry,
    MisownedFiles,
    foreign_finding,
    links_finding,
    modes_finding,
    orphans_finding,
    owners_finding,
)
from app.core.doctor.operations import DeploymentLock, operations_finding
from app.core.doctor.shell import Shell
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import NOT_STARTED, ROLLBACK_FAILED, OperationState
from tests.support.builders import ID, NOW, an_operation, before

SHELL = Shell("/srv", "root", is_root=True, has_sudo=False)
LOOKED = Coverage(2)
LONGEST = timedelta(hours=1)


def test_files_open_to_others_are_closed_and_writable_ones_stay_readable() -> None:
    found = modes_finding(
        [ExposedPath("/d/a/.env", 0o644), ExposedPath("/d", 0o777, private=False)], LOOKED, SHELL
    )

    assert found.verdict is DoctorVerdict.BAD
    assert found.seen.endswith("/d/a/.env (0644) and /d (0777).")
    assert found.fix == "chmod go-rwx /d/a/.env\nchmod go-w /d"


def test_unreadable_deployments_make_the_result_unknown() -> None:
    assert modes_finding([], LOOKED, SHELL).verdict is DoctorVerdict.GOOD
    found = owners_finding([], Coverage(3, unreadable=1), SHELL)
    assert found.verdict is DoctorVerdict.UNKNOWN
    assert "this server's user may not read 1 of 3 deployments" in found.seen


@pytest.mark.parametrize(("top", "runs"), [(True, True), (False, False), (False, True)])
def test_files_of_another_owner_are_given_to_the_gateway(top: bool, runs: bool) -> None:
    found = owners_finding(
        [MisownedFiles("/d/a", "/d/a/config", "root", 3, runs, top)], LOOKED, SHELL
    )

    assert found.verdict is DoctorVerdict.BAD
    assert found.seen == "Not owned by the gateway: /d/a/config is root's, and 2 more."
    assert found.fix == "chown -hR 1000:1000 /d/a/config /d/a/workspace"


def test_folders_that_the_next_launch_fixes_are_good() -> None:
    waiting = MisownedFiles("/d/a", "/d/a/config", "ana", 4, runs=False, top=True)

    found = owners_finding([waiting], LOOKED, SHELL)

    assert found.verdict is DoctorVerdict.GOOD
    assert "1 deployment gets its with the next launch." in found.seen


def test_a_link_is_replaced_by_a_copy_of_its_target() -> None:
    assert links_finding([], LOOKED, SHELL).verdict is DoctorVerdict.GOOD
    found = links_finding([FolderLink("/d/a/.env", "/etc/env")], LOOKED, SHELL)
    assert (found.verdict, found.fix) == (
        DoctorVerdict.BAD,
        "rm /d/a/.env && cp -aT /etc/env /d/a/.env",
    )
    assert links_finding([FolderLink("/d/a", "")], LOOKED, SHELL).fix == "rm /d/a"


def test_a_foreign_folder_that_looks_like_a_deployment_gets_an_id() -> None:
    def found(*foreign: ForeignEntry) -> tuple[DoctorVerdict, str]:
        made = foreign_finding(foreign, "/d", 2, lambda: ID, SHELL)
        return made.verdict, made.fix

    assert found() == (DoctorVerdict.GOOD, "")
    bot, notes = ForeignEntry("my bot", True, True), ForeignEntry("notes.txt", False)
    assert found(notes, bot) == (DoctorVerdict.WARNING, f"mv '/d/my bot' /d/{ID}")
    assert found(notes) == (
        DoctorVerdict.WARNING,
        "mkdir -p /d.aside && mv -t /d.aside /d/notes.txt",
    )


def test_the_fix_removes_the_first_orphan() -> None:
    assert orphans_finding([], 0, SHELL).seen == "None of ours."
    assert orphans_finding([], 2, SHELL).verdict is DoctorVerdict.GOOD
    found = orphans_finding([ID, "other"], 1, SHELL)
    assert found.verdict is DoctorVerdict.WARNING
    assert found.seen == f"{ID} and other. 1 project may be somebody else's."
    assert found.fix == f"/srv/deploy-agent stranded --remove {ID}"


def held(
    state: OperationState, seconds: float, locked: tuple[int, ...] | None = None
) -> DeploymentLock:
    ended = None if state is OperationState.RUNNING else before(seconds)
    operation = an_operation(state=state, started_at=before(seconds + 5), ended_at=ended)
    return DeploymentLock(ID, "Sales", operation, locked)


@pytest.mark.parametrize(
    ("one", "verdict", "fix"),
    [
        (DeploymentLock(ID, "Sales", None), DoctorVerdict.GOOD, ""),
        (held(OperationState.RUNNING, 60), DoctorVerdict.GOOD, ""),
        (held(OperationState.RUNNING, 7200, (4711,)), DoctorVerdict.BAD, "kill 4711"),
        (held(OperationState.SUCCEEDED, 600), DoctorVerdict.GOOD, ""),
        (held(OperationState.SUCCEEDED, 2, (4711,)), DoctorVerdict.GOOD, ""),
        (held(OperationState.SUCCEEDED, 600, (4711, 4712)), DoctorVerdict.BAD, "kill 4711 4712"),
        (held(OperationState.SUCCEEDED, 600, ()), DoctorVerdict.BAD, ""),
        (DeploymentLock(ID, "Sales", None, (1234,)), DoctorVerdict.BAD, "kill 1234"),
        (
            held(OperationState.INTERRUPTED, 600),
            DoctorVerdict.WARNING,
            f"/srv/deploy-agent launch {ID}",
        ),
    ],
)
def test_operations_that_hang_or_were_interrupted_are_reported(
    one: DeploymentLock, verdict: DoctorVerdict, fix: str
) -> None:
    found = operations_finding([one], LONGEST, NOW, SHELL)

    assert (found.verdict, found.fix) == (verdict, fix)


@pytest.mark.parametrize(
    ("kind", "verb"),
    [
        (OperationKind.LAUNCH, "launch"),
        (OperationKind.STOP, "stop"),
        (OperationKind.UPDATE, "launch"),
        (OperationKind.ARCHIVE, "archive"),
        (OperationKind.EQUALIZE_TOKEN, "equalize-token"),
        (OperationKind.RECONFIGURE, "reconfigure"),
    ],
)
def test_the_fix_completes_an_interrupted_operation(kind: OperationKind, verb: str) -> None:
    died = an_operation(kind, OperationState.INTERRUPTED)

    found = operations_finding([DeploymentLock(ID, "Sales", died)], LONGEST, NOW, SHELL)

    assert found.next_step == f"Sales: {kind.after_interruption}"
    option = " --finish" if kind is OperationKind.RECONFIGURE else ""
    assert found.fix == f"/srv/deploy-agent {verb} {ID}{option}"
    assert verb in main.list_commands(Context(main))


@pytest.mark.parametrize(
    ("ended", "option"),
    [
        ({"state": OperationState.FAILED, "code": ROLLBACK_FAILED}, "--finish"),
        ({"state": OperationState.INTERRUPTED, "arguments": {"undo": "7"}}, "--undo"),
        (
            {"state": OperationState.FAILED, "code": NOT_STARTED, "arguments": {"undo": "7"}},
            "--undo",
        ),
    ],
)
def test_the_fix_resumes_a_reconfiguration_as_chosen(ended: dict[str, Any], option: str) -> None:
    left = replace(an_operation(OperationKind.RECONFIGURE, OperationState.FAILED), **ended)

    found = operations_finding([DeploymentLock(ID, "Sales", left)], LONGEST, NOW, SHELL)

    assert found.fix == f"/srv/deploy-agent reconfigure {ID} {option}"


def test_a_reconfiguration_that_never_started_is_not_interrupted() -> None:
    failed = an_operation(OperationKind.RECONFIGURE, OperationState.FAILED)

    found = operations_finding(
        [DeploymentLock(ID, "Sales", replace(failed, code=NOT_STARTED))], LONGEST, NOW, SHELL
    )

    assert found.verdict is DoctorVerdict.GOOD
