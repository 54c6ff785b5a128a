"""If an update is killed at any of its moves, the state before the update is restored."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from app.core.updates.journal import Journal, KeptVersion, UpdateStage, Version
from app.store import update_files as updates
from app.store.update_files import BEFORE, KEPT, STATE, DirectAccess, exists
from app.usecases.updates.rollback import keep_old_state, restore_state

THEN, NOW = "2026-11-01T10:00:00+00:00", "2026-11-24T10:00:00+00:00"
OLD, OLDER = Version("openclaw:2", "sha256:2", "sha256:2", "2"), Version("openclaw:1")


class Killed(BaseException):
    """Raised to simulate a `kill -9`, which leaves the same files on the disk."""


class DyingAccess(DirectAccess):
    """File access that dies after a number of moves."""

    def __init__(self, folder: Path, moves: int) -> None:
        super().__init__(folder, 60)
        self._left = moves

    def _do(self, move: Callable[..., None], *names: str) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed
        move(*names)

    def copy(self, target: str) -> None:
        self._do(super().copy, target)

    def move(self, source: str, target: str) -> None:
        self._do(super().move, source, target)

    def remove(self, target: str) -> None:
        self._do(super().remove, target)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A deployment with its second version, and with the kept state of the first version."""
    updates.open_updates(tmp_path)
    for name, version in ((STATE, "2"), (KEPT, "1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "version").write_text(version)
    updates.write_kept(tmp_path, KeptVersion(OLDER, OLD.image, THEN))
    return tmp_path


def journal(step: UpdateStage, returning: bool) -> Journal:
    return Journal(3, step, "openclaw:3", OLD, True, returning, NOW)


def version_in(folder: Path, name: str) -> str:
    return (folder / name / "version").read_text()


def killed_after(moves: int, folder: Path, *, returning: bool) -> bool:
    """Run an update, or a return to the kept version, and roll it back; die after some moves.

    Return whether the work died.
    """
    access = DyingAccess(folder, moves)
    try:
        if returning:
            updates.write_journal(folder, journal(UpdateStage.TRYING, returning))
            access.move(STATE, BEFORE)
            access.move(KEPT, STATE)
        else:
            updates.write_journal(folder, journal(UpdateStage.COPYING, returning))
            access.copy(BEFORE)
            updates.write_journal(folder, journal(UpdateStage.TRYING, returning))
            (folder / STATE / "version").write_text("3")
        restore_state(folder, journal(UpdateStage.TRYING, returning), access)
    except Killed:
        return True
    return False


@pytest.mark.parametrize("returning", [False, True])
@pytest.mark.parametrize("moves", range(6))
def test_killed_at_any_move_an_update_restores_state_and_backup(
    folder: Path, moves: int, returning: bool
) -> None:
    killed_after(moves, folder, returning=returning)

    found = updates.read_journal(folder)
    assert found is not None
    for _ in range(2):
        restore_state(folder, found, DirectAccess(folder, 60))

    assert version_in(folder, STATE) == "2"
    assert version_in(folder, KEPT) == "1"
    assert updates.read_kept(folder) == KeptVersion(OLDER, OLD.image, THEN)
    assert not exists(folder, BEFORE)


@pytest.mark.parametrize("moves", range(3))
def test_a_verified_update_that_was_killed_is_finished(folder: Path, moves: int) -> None:
    DirectAccess(folder, 60).copy(BEFORE)
    proven = journal(UpdateStage.PROVEN, returning=False)
    updates.write_journal(folder, proven)
    with suppress(Killed):
        keep_old_state(folder, proven, DyingAccess(folder, moves))

    if found := updates.read_journal(folder):
        keep_old_state(folder, found, DirectAccess(folder, 60))

    assert version_in(folder, KEPT) == "2"
    assert updates.read_kept(folder) == KeptVersion(OLD, "openclaw:3", NOW)
    assert updates.read_journal(folder) is None


def test_every_move_of_state_files_is_tested(folder: Path) -> None:
    spare = folder.parent / "spare"
    shutil.copytree(folder, spare)

    assert not killed_after(6, folder, returning=False)
    assert not killed_after(6, spare, returning=True)
