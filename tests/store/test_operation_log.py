"""The log and the step records that an operation's process writes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core.operations.kinds import OperationKind
from app.core.operations.layers import Layer, Phase
from app.core.operations.progress import StepBegan
from app.core.operations.steps import Step
from app.core.secrets import MASK, Masker
from app.store import operation_log, operations
from app.store.operation_log import OperationLog, read_log, read_records, steps_path

LAYER = Layer("7df4b48abd32", Phase.DOWNLOADING, 50, 100)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "0b7a3361be"
    folder.mkdir()
    operations.begin(folder, OperationKind.LAUNCH, "ana")
    return folder


@contextmanager
def log_of(folder: Path) -> Iterator[OperationLog]:
    with OperationLog(folder, 1, Masker(["first-secret"])) as log:
        yield log


def words(folder: Path) -> list[str]:
    return [line.partition(" ")[2] for line in read_log(folder, 1)]


def test_a_step_is_a_record_and_a_line(folder: Path) -> None:
    with log_of(folder) as log:
        log.step(Step.PULL, "docker compose pull")
        log.layer(LAYER)
        log.say("Done")

    record, layer = read_records(folder, 1) or []
    assert isinstance(record, StepBegan)
    assert (record.step, layer) == (Step.PULL, LAYER)
    assert record.log_size == len(f"{read_log(folder, 1)[0]}\n"), "it begins after its own line"
    assert words(folder) == ["docker compose pull", "Done"]


def test_later_secrets_are_masked_too(folder: Path) -> None:
    with log_of(folder) as log:
        log.say("a first-secret")
        log.hide(["second-secret"])
        log.step(Step.TOKEN, "first-secret second-secret")

    assert words(folder) == [f"a {MASK}", f"{MASK} {MASK}"]


def test_an_older_operation_has_no_records(folder: Path) -> None:
    steps_path(folder, 1).unlink()

    assert read_records(folder, 1) is None


def test_damaged_records_are_skipped(folder: Path) -> None:
    with log_of(folder) as log:
        log.step(Step.PULL, "docker compose pull")
    with steps_path(folder, 1).open("ab") as file:
        file.write(b'{"step": "fly", "at": "2026-11-24T10:00:00Z"}\n[]\n{"step"\n\xff\n')
    with log_of(folder) as log:
        log.layer(LAYER)

    assert [type(each) for each in read_records(folder, 1) or []] == [StepBegan, Layer]


def test_records_of_layers_are_bounded_but_steps_are_always_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation_log, "_LAYERS_BYTES", 200)
    with log_of(folder) as log:
        for _ in range(50):
            log.layer(LAYER)
        log.step(Step.FOLDERS, "Preparing the data folders")

    assert steps_path(folder, 1).stat().st_size < 400
    assert isinstance((read_records(folder, 1) or [])[-1], StepBegan)


def test_a_full_disk_does_not_end_an_operation(folder: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this host has no /dev/full")
    with log_of(folder) as log:
        for each in (log._log, log._steps):
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, each.fileno())
            os.close(full)
        log.step(Step.PULL, "docker compose pull")
        log.layer(LAYER)
        log.say("Done")

    assert words(folder) == []
