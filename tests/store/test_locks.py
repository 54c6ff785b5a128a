"""Locks: one operation at a time, visible at once, and no clean-up after a crash."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.store.locks import Locked, is_locked, lock_folder


def test_a_locked_folder_is_refused_and_shown_as_locked(tmp_path: Path) -> None:
    descriptor = lock_folder(tmp_path)

    assert is_locked(tmp_path)
    with pytest.raises(Locked):
        lock_folder(tmp_path)

    os.close(descriptor)

    assert not is_locked(tmp_path)
    os.close(lock_folder(tmp_path))


def test_checking_a_lock_does_not_take_it(tmp_path: Path) -> None:
    for _ in range(100):
        assert not is_locked(tmp_path)
        os.close(lock_folder(tmp_path))


def test_a_lock_passed_on_ends_with_the_process_that_holds_it(tmp_path: Path) -> None:
    descriptor = lock_folder(tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[descriptor]
    )
    os.close(descriptor)
    assert is_locked(tmp_path)

    holder.kill()
    holder.wait()
    assert holder.stdin is not None
    holder.stdin.close()

    assert not is_locked(tmp_path)


def test_a_folder_that_was_replaced_while_locking_is_not_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    real_open = os.open

    def replaced_after_opening(path: Path, *arguments: int) -> int:
        descriptor = real_open(path, *arguments)
        folder.rename(tmp_path / "moved")
        folder.mkdir()
        return descriptor

    monkeypatch.setattr(os, "open", replaced_after_opening)

    with pytest.raises(FileNotFoundError):
        lock_folder(folder)


def test_a_link_is_not_locked(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)

    with pytest.raises(OSError):
        lock_folder(tmp_path / "link")
