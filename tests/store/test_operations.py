"""Operations on disk are numbered, readable after any crash, and limited in number."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.operations.kinds import OperationKind
from app.core.operations.operation import OperationState
from app.core.snapshot import Run
from app.store import history, operation_log, operations
from app.store.locks import lock_folder
from app.store.operation_process import CANCEL, note_process, process_of, signal_cancel
from app.usecases.context import AppContext
from app.usecases.operations.operations import operation_of

RUN = Run("c0ffee", "2026-11-24T06:00:00.123456789Z")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "0b7a3361be"
    folder.mkdir()
    return folder


def test_an_operation_runs_while_its_lock_is_held_and_is_interrupted_after(folder: Path) -> None:
    lock = lock_folder(folder)
    operations.begin(folder, OperationKind.LAUNCH, "ana")

    running = operations.latest(folder)
    os.close(lock)
    left = operations.latest(folder)

    assert running is not None
    assert left is not None
    assert (running.state, left.state) == (OperationState.RUNNING, OperationState.INTERRUPTED)
    assert (left.number, left.kind, left.actor) == (1, OperationKind.LAUNCH, "ana")


def test_an_outcome_is_read_back_unchanged(folder: Path) -> None:
    operation = operations.begin(folder, OperationKind.LAUNCH, "ana")
    failed = replace(
        operation,
        state=OperationState.FAILED,
        code="port_taken",
        reason="Port 1 is taken.",
        next_step="Free it.",
        verified=RUN,
        ended_at=operation.started_at,
    )

    operations.end(folder, failed)

    assert operations.latest(folder) == failed


def test_a_verified_run_stays_verified_after_an_operation_that_did_not_touch_it(
    folder: Path,
) -> None:
    first = operations.begin(folder, OperationKind.LAUNCH, "ana")
    operations.end(folder, replace(first, state=OperationState.SUCCEEDED, verified=RUN))

    second = operations.begin(folder, OperationKind.LAUNCH, "ben")

    assert second.verified == RUN
    found = operations.latest(folder)
    assert found is not None
    assert found.verified == RUN


def test_the_last_twenty_operations_are_kept(folder: Path) -> None:
    for _ in range(23):
        operations.end(folder, operations.begin(folder, OperationKind.STOP, "ana"))

    kept = sorted(int(name) for name in os.listdir(operations.operations_folder(folder)))

    assert kept == list(range(4, 24))


def test_a_half_made_folder_left_by_a_crash_is_ignored(folder: Path) -> None:
    operations.begin(folder, OperationKind.STOP, "ana")
    half = operations.operations_folder(folder) / ".new"
    half.mkdir()
    (half / "operation.json").write_text("{")

    seen = operations.latest(folder)
    following = operations.begin(folder, OperationKind.STOP, "ana")

    assert seen is not None
    assert seen.number == 1
    assert following.number == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "dance"}', '{"kind": "stop"}', "\0"])
def test_a_damaged_record_is_skipped(folder: Path, text: str) -> None:
    operation = operations.begin(folder, OperationKind.STOP, "ana")
    path = operations.operations_folder(folder) / str(operation.number) / "operation.json"
    path.write_text(text)

    assert operations.latest(folder) is None


def test_a_torn_history_line_is_skipped(folder: Path) -> None:
    history.record(folder, "configure", "ana")
    with (folder / ".deploy-agent/history.jsonl").open("a") as file:
        file.write('{"what": "laun')
    history.record(folder, "stop", "ana")

    assert history.read_history(folder)[0]["what"] == "configure"


def test_an_operations_arguments_are_stored_with_it(folder: Path) -> None:
    operations.begin(folder, OperationKind.ALLOW_ORIGIN, "ana", {"origin": "https://x.example"})

    kept = operations.read_operation(folder, 1)

    assert kept
    assert kept.arguments == {"origin": "https://x.example"}


def test_the_latest_launch_or_stop_is_found_among_other_kinds(
    folder: Path,
) -> None:
    assert operations.latest_launch_or_stop(folder) is None
    operations.end(folder, operations.begin(folder, OperationKind.STOP, "ana"))
    for _ in range(3):
        operations.end(folder, operations.begin(folder, OperationKind.ALLOW_ORIGIN, "ben"))

    found = operations.latest_launch_or_stop(folder)

    assert found
    assert (found.number, found.kind) == (1, OperationKind.STOP)


def test_following_a_log_by_offset_gives_every_whole_line_once(folder: Path) -> None:
    number = operations.begin(folder, OperationKind.LAUNCH, "ana").number
    log = operation_log.log_path(folder, number)
    pieces = ["one\ntw", "o\n", "", "drei Äp", "fel\nfour\nfi", "ve\n"]
    seen, offset = [], 0

    for piece in pieces:
        with log.open("a") as file:
            file.write(piece)
        lines, offset = operation_log.read_log_since(folder, number, offset)
        seen += lines

    assert seen == ["one", "two", "drei Äpfel", "four", "five"]
    assert offset == log.stat().st_size
    assert operation_log.read_log_since(folder, number, offset) == ([], offset)


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The cancel signals that this process receives in place of an operation's process."""
    received: list[int] = []
    before = signal.signal(CANCEL, lambda number, _: received.append(number))
    yield received
    signal.signal(CANCEL, before)


def test_cancelling_signals_the_operations_process(folder: Path, heard: list[int]) -> None:
    number = operations.begin(folder, OperationKind.LAUNCH, "ana").number
    signal_cancel(folder, number)
    assert not heard, "it has not noted itself yet"
    note_process(folder, number)

    signal_cancel(folder, number)

    assert heard == [CANCEL]
    assert process_of(folder, number) == os.getpid()


def test_a_process_that_reuses_the_id_is_left_alone(folder: Path, heard: list[int]) -> None:
    number = operations.begin(folder, OperationKind.LAUNCH, "ana").number
    note_process(folder, number)
    noted = operations.operations_folder(folder) / str(number) / "process"
    noted.write_text(noted.read_text() + "7")

    signal_cancel(folder, number)

    assert not heard


def test_the_first_canceller_is_recorded(folder: Path) -> None:
    lock = lock_folder(folder)
    number = operations.begin(folder, OperationKind.LAUNCH, "ana").number

    first = operations.ask_to_cancel(folder, number, "ben")
    second = operations.ask_to_cancel(folder, number, "cem")
    running = operations.latest(folder)
    os.close(lock)

    assert (first, second) == ("ben", "ben")
    assert running is not None
    assert (running.state, running.cancelled_by) == (OperationState.RUNNING, "ben")
    assert not running.can_be_cancelled


def test_an_operation_is_found_while_its_folder_is_archived(
    context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment_id = "0b7a3361be"
    listed = context.store.folder(deployment_id)
    archived = context.store.root / ".archive" / f"{deployment_id}-20261124T060000Z"
    listed.mkdir()
    begun = operations.begin(listed, OperationKind.ARCHIVE, "ana")
    archived.parent.mkdir()
    monkeypatch.setattr(context.store.archive, "newest", lambda _: archived, raising=False)
    look = operations.is_locked

    def moved_before_the_look(folder: Path) -> bool:
        if listed.exists():
            listed.rename(archived)
        return look(folder)

    monkeypatch.setattr(operations, "is_locked", moved_before_the_look)

    found = operation_of(deployment_id, begun.number, context=context)

    assert (found.deployment_id, found.number, found.kind) == (deployment_id, 1, begun.kind)


def test_records_of_older_versions_are_read(folder: Path) -> None:
    own = operations.operation_folder(folder, 1)
    own.mkdir(parents=True)
    at = "2026-11-24T06:00:00+00:00"
    (own / "operation.json").write_text(
        f'{{"kind": "launch", "actor": "ana", "started_at": "{at}", "verified": null}}'
    )
    (own / "outcome.json").write_text(
        f'{{"state": "failed", "ended_at": "{at}", "code": "timeout", "reason": "Why.",'
        ' "next_step": "What.", "verified": {"container_id": "c0ffee", "started_at": "then"}}'
    )

    found = operations.latest(folder)

    assert found is not None
    assert (found.kind, found.actor, found.state) == ("launch", "ana", "failed")
    assert (found.reason, found.next_step, found.fix) == ("Why.", "What.", "")
    assert found.verified == Run("c0ffee", "then")
    assert found.ended_at is not None
    assert found.ended_at.isoformat() == at
