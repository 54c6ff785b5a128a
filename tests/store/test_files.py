"""Files are complete or absent: the order of sync and rename, and the files after a failure."""

import errno
import os
import stat
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import StorageFailed
from app.store.file_writes import Edited, change_file, rewrite_files, write_file
from app.store.files import AGENT_DIR, Unreadable, read_file
from app.store.storage_errors import storage_errors


def test_a_file_is_synced_before_its_rename_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def traced_sync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("sync folder" if is_folder else "sync file")
        sync(descriptor)

    def traced_replace(source: Path, target: Path) -> None:
        steps.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", traced_sync)
    monkeypatch.setattr(os, "replace", traced_replace)

    write_file(tmp_path / "file", b"text")

    assert steps == ["sync file", "rename", "sync folder"]


def test_a_rewrite_keeps_the_mode_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)

    write_file(path, b"new", 0o600)

    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"of another")
    (tmp_path / "file").symlink_to(target)

    write_file(tmp_path / "file", b"ours")

    assert target.read_bytes() == b"of another"
    assert not (tmp_path / "file").is_symlink()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    (tmp_path / "file").write_bytes(b"old")

    def refused(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, step, refused)

    with pytest.raises(OSError, match="full"):
        write_file(tmp_path / "file", b"new")

    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_only_ordinary_files_of_bounded_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 101)
    (tmp_path / "link").symlink_to(tmp_path / "large")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()

    for name, words in {
        "large": "larger",
        "link": "link",
        "pipe": "no ordinary file",
        "folder": "no ordinary file",
    }.items():
        with pytest.raises(Unreadable, match=words):
            read_file(tmp_path / name, limit=100)
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "absent")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may not write"),
        (errno.EMFILE, "too many open files"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_system_error_is_explained(code: int, words: str) -> None:
    with pytest.raises(StorageFailed) as failure, storage_errors("It was not done."):
        raise OSError(code, "x")

    assert failure.value.detail.startswith("It was not done. ")
    assert words in failure.value.detail


def test_an_edit_since_the_read_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"PORT=1\nBY_HAND=so\n")

    with pytest.raises(Edited):
        rewrite_files({path: (b"PORT=1\n", b"PORT=2\n")})
    path.unlink()
    with pytest.raises(Edited):
        rewrite_files({path: (b"PORT=1\n", b"PORT=2\n")})

    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Manual edits: one of these lines is appended to a file before each rename of a new file."""
    lines: list[bytes] = []
    replace = os.replace

    def after_an_edit(source: Path, target: Path) -> None:
        if lines and source.suffix == ".new":
            with Path(target).open("ab") as file:
                file.write(lines.pop(0))
        replace(source, target)

    monkeypatch.setattr(os, "replace", after_an_edit)
    return lines


def test_a_concurrent_edit_is_kept_and_the_change_is_applied_to_it(
    tmp_path: Path, by_hand: list[bytes]
) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"PORT=1\n")
    by_hand.append(b"BY_HAND=so\n")

    with path.open("ab") as editor:
        with pytest.raises(Edited):
            rewrite_files({path: (b"PORT=1\n", b"PORT=2\n")})
        editor.write(b"LATER=too\n")

    assert path.read_bytes() == b"PORT=1\nBY_HAND=so\nLATER=too\n"
    assert list(tmp_path.iterdir()) == [path]


def test_several_files_are_written_all_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "docker-compose.yml", tmp_path / ".env"
    first.write_bytes(b"old")
    second.write_bytes(b"edited")

    with pytest.raises(Edited):
        rewrite_files({first: (b"old", b"new"), second: (b"old", b"new")})
    link, calls = os.link, count(1)

    def once(*arguments: Any, **more: Any) -> None:
        if next(calls) > 1:
            raise OSError(errno.ENOSPC, "full")
        link(*arguments, **more)

    monkeypatch.setattr(os, "link", once)
    with pytest.raises(OSError, match="full"):
        rewrite_files({first: (b"old", b"new"), second: (b"edited", b"new")})

    assert (first.read_bytes(), second.read_bytes()) == (b"old", b"edited")
    assert set(tmp_path.iterdir()) == {first, second}


def test_a_change_applies_to_the_current_content_however_often_it_is_edited(
    tmp_path: Path, by_hand: list[bytes]
) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"PORT=1\n")
    by_hand += [b"ONE=so\n", b"TWO=so\n"]

    change_file(path, lambda data: data.replace(b"PORT=1", b"PORT=2"))

    assert path.read_bytes() == b"PORT=2\nONE=so\nTWO=so\n"


def test_a_symlink_above_an_unrelated_folder_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / ".deploy-agent-of-somebody" / "link"
    link.parent.mkdir()
    real.mkdir()
    link.symlink_to(real)

    write_file(link / "file", b"kept")

    assert read_file(link / "file") == b"kept"


@pytest.mark.parametrize(
    "name",
    [".env", "config/openclaw.json", f"{AGENT_DIR}/history.jsonl", f"{AGENT_DIR}/operations/1/log"],
)
def test_a_link_in_place_of_a_deployments_folder_is_not_followed(tmp_path: Path, name: str) -> None:
    """A link above the deployments is followed, because deployments may be on another disk."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "deployments").symlink_to("disk")
    path = tmp_path / "deployments/0b7a3361be" / name
    path.parent.mkdir(parents=True)
    write_file(path, b"kept")
    assert read_file(path) == b"kept"
    (tmp_path / "disk/1111111111").symlink_to("0b7a3361be")
    led = tmp_path / "deployments/1111111111" / name

    with pytest.raises(Unreadable, match="a link, which is not followed"):
        read_file(led)
    with pytest.raises(OSError, match="symbolic links"):
        write_file(led, b"lost")

    assert read_file(path) == b"kept"
