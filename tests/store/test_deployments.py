"""The deployments folder: made whole or not at all, read again only where it changed."""

import os
import shutil
from pathlib import Path

import pytest

from app.core.errors import NotFound
from app.store import deployments
from app.store.deployments import NewDeployment, Store

CONTENT = NewDeployment(b"PORT=20000\n", b"services: {}\n", b"{}\n")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "deployments")


def make(store: Store, count: int = 1) -> list[str]:
    ids = []
    with store.creating():
        for _ in range(count):
            ids.append(store.new_id())
            store.create(ids[-1], CONTENT, "ana")
    return ids


def test_every_step_of_a_creation_that_fails_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sync and rename of a creation is made to fail once."""
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
        for made in store.scan():  # The step that failed was one that need not be done.
            shutil.rmtree(made.folder)
    raise AssertionError("the creation never came to its end")


class _Countdown:
    """Lets calls pass until it comes to zero, and fails that one."""

    def __init__(self, number: int) -> None:
        self.left = number

    def before(self, function):  # type: ignore[no-untyped-def]
        def counted(*arguments, **more):  # type: ignore[no-untyped-def]
            self.left -= 1
            if self.left == 0:
                raise OSError(28, "full")
            return function(*arguments, **more)

        return counted


def test_what_a_killed_creation_left_is_not_listed_and_is_swept_by_the_next(store: Store) -> None:
    store.open()
    left = store.root / ".new-0123456789"
    left.mkdir()
    (left / ".env").write_bytes(b"PORT=1\n")
    assert store.scan() == []

    [made] = make(store)

    assert not left.exists()
    assert [each.id for each in store.scan()] == [made]


def test_only_a_folder_that_changed_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = make(store, 5)
    store.scan()
    read: list[str] = []
    really_read = deployments.read_deployment
    monkeypatch.setattr(
        deployments,
        "read_deployment",
        lambda folder, name: read.append(name) or really_read(folder, name),
    )

    unchanged = store.scan()
    (store.root / ids[2] / ".env").write_bytes(b"PORT=20009\n")
    changed = store.scan()

    assert read == [ids[2]]
    assert [each.port for each in unchanged] == [20000] * 5
    assert {each.id: each.port for each in changed}[ids[2]] == 20009


def test_a_damaged_env_still_tells_the_name(store: Store) -> None:
    [made] = make(store, 1)
    env = store.root / made / ".env"

    env.write_bytes(b'PORT=20000\nDEPLOYMENT_NAME="Support bot"\nTZ="Europe\nX=1\n')
    damaged = store.load(made)
    env.write_bytes(b'PORT=20000\nDEPLOYMENT_NAME="Support bot\n')

    assert damaged.problem
    assert damaged.name == "Support bot"
    assert damaged.port is None
    assert store.load(made).name == ""


def test_a_folder_that_is_gone_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.load("0123456789")
