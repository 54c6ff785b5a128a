"""A deployment is created completely or not at all, and is read again after a change."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.errors import NotFound
from app.store import deployments
from app.store.deployments import DeploymentContent, DeploymentStore
from tests.support.waiting import eventually

CONTENT = DeploymentContent(b"PORT=20000\n", b"services: {}\n", b"{}\n")


@pytest.fixture
def store(tmp_path: Path) -> DeploymentStore:
    return DeploymentStore(tmp_path / "deployments")


def make(store: DeploymentStore, count: int = 1) -> list[str]:
    ids = []
    with store.creation_lock():
        for _ in range(count):
            ids.append(store.new_id())
            store.create(ids[-1], CONTENT, "ana")
    return ids


def test_a_failed_creation_leaves_nothing(
    store: DeploymentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let each sync, rename and new folder of a creation fail once."""
    store.open()
    for number in range(1, 100):
        countdown = _Countdown(number)
        for name in ("fsync", "replace", "mkdir", "rename"):
            monkeypatch.setattr(os, name, countdown.before(getattr(os, name)))
        try:
            make(store)
        except OSError:
            assert store.scan() == []
            assert [name for name in os.listdir(store.root) if name != ".deploy-agent"] == []
        finally:
            monkeypatch.undo()
        if countdown.left > 0:
            assert number > 10, "fewer steps were seen than a creation has"
            return
        for made in store.scan():  # The creation succeeded, because the failed step is optional.
            shutil.rmtree(made.folder)
    raise AssertionError("the creation never came to its end")


class _Countdown:
    """A counter that lets call number `number` fail and all other calls pass."""

    def __init__(self, number: int) -> None:
        self.left = number

    def before(self, function):  # type: ignore[no-untyped-def]
        def counted(*arguments, **more):  # type: ignore[no-untyped-def]
            self.left -= 1
            if self.left == 0:
                raise OSError(28, "full")
            return function(*arguments, **more)

        return counted


def test_a_killed_creation_is_not_listed_and_the_next_one_removes_it(
    store: DeploymentStore,
) -> None:
    store.open()
    left = store.root / ".new-0123456789"
    left.mkdir()
    (left / ".env").write_bytes(b"PORT=1\n")
    assert store.scan() == []

    [made] = make(store)

    assert not left.exists()
    assert [each.id for each in store.scan()] == [made]


def test_only_changed_folders_are_read_again(
    store: DeploymentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = make(store, 5)
    read = reads(monkeypatch)
    eventually(lambda: not read(store.scan))

    (store.root / ids[2] / ".env").write_bytes(b"PORT=20009\n")

    assert read(store.scan) == [ids[2]]
    assert [each.port for each in store.scan()] == [
        20009 if each == ids[2] else 20000 for each in sorted(ids)
    ]


def test_two_changes_within_one_clock_tick_are_both_noticed(
    store: DeploymentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second change leaves times, size and inode unchanged.

    The times are faked, because kernels since 6.13 have finer times for files that were read.
    """
    [made] = make(store)
    env = store.root / made / ".env"
    really_look = os.lstat
    monkeypatch.setattr(os, "lstat", lambda path: _Coarse(really_look(path)))
    for port in range(20001, 20101):
        env.write_bytes(b"PORT=%d\n" % port)
        assert store.load(made).port == port


class _Coarse:
    """A file status of an older kernel, with times in the resolution of a clock tick."""

    def __init__(self, status: os.stat_result) -> None:
        self._status = status

    def __getattr__(self, name: str) -> int:
        value: int = getattr(self._status, name)
        return value // 10_000_000 * 10_000_000 if name.endswith("_ns") else value


def test_a_folder_replaced_by_a_link_is_noticed(store: DeploymentStore, tmp_path: Path) -> None:
    [made] = make(store)
    data = store.root / made / "config"
    assert store.load(made).problem is None

    data.rename(tmp_path / "elsewhere")
    data.symlink_to(tmp_path / "elsewhere")

    assert store.load(made).problem == "its config is a link, which is not followed"


def reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], list[str]]:
    """Return a function that runs a call and returns the names of the deployments read."""
    found: list[str] = []
    really_read = deployments.read_deployment
    monkeypatch.setattr(
        deployments,
        "read_deployment",
        lambda folder, name: found.append(name) or really_read(folder, name),
    )

    def read_by(call: Callable[[], object]) -> list[str]:
        found.clear()
        call()
        return list(found)

    return read_by


def test_a_damaged_env_file_still_gives_the_name(store: DeploymentStore) -> None:
    [made] = make(store, 1)
    env = store.root / made / ".env"

    env.write_bytes(b'PORT=20000\nDEPLOYMENT_NAME="Support bot"\nTZ="Europe\nX=1\n')
    damaged = store.load(made)
    env.write_bytes(b'PORT=20000\nDEPLOYMENT_NAME="Support bot\n')

    assert damaged.problem
    assert damaged.name == "Support bot"
    assert damaged.port is None
    assert store.load(made).name == ""


def test_a_removed_folder_is_not_found(store: DeploymentStore) -> None:
    with pytest.raises(NotFound):
        store.load("0123456789")
