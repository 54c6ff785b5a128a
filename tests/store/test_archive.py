"""A deployment is always listed or archived. Deletion stays in the deployment's folder."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.operations.kinds import OperationKind
from app.store import operations
from app.store.archive import Archive
from app.store.deletion import delete_folder
from app.store.deployments import DeploymentStore
from app.store.locks import Locked, lock_folder
from app.store.storage_errors import storage_cause

ID = "0b7a3361be"


@pytest.fixture
def store(tmp_path: Path) -> DeploymentStore:
    store = DeploymentStore(tmp_path / "deployments")
    store.open()
    return store


def make(store: DeploymentStore, deployment_id: str = ID) -> Path:
    folder = store.folder(deployment_id)
    (folder / "config/agents").mkdir(parents=True)
    (folder / ".env").write_text("PORT=20000\nDEPLOYMENT_NAME='Support bot'\n")
    (folder / "config/openclaw.json").write_text("{}")
    operations.begin(folder, OperationKind.ARCHIVE, "ana")
    return folder


def put(store: DeploymentStore) -> str:
    make(store)
    return store.archive.add(ID)


def killed_at(number: int, work: Callable[[], object]) -> bool:
    """Run the work in a process that dies before disk step `number`.

    Return whether the process died.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = number

    def counting(function: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object, **more: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(9)
            return function(*arguments, **more)

        return counted

    for name in ("mkdir", "rename", "fsync", "unlink", "rmdir"):
        setattr(os, name, counting(getattr(os, name)))
    try:
        work()
    finally:
        os._exit(0)


def test_an_archived_deployment_keeps_name_and_history_and_no_port(store: DeploymentStore) -> None:
    name = put(store)

    [archived] = store.archive.all()

    assert store.scan() == []
    assert store.archive.count() == 1
    assert (archived.name, archived.deployment.id) == (name, ID)
    assert (archived.label, archived.deployment.port) == ("Support bot", 20000)
    assert (archived.by, archived.purging, archived.busy) == ("ana", False, False)
    assert archived.deployment.operation is not None


def test_a_killed_archive_leaves_it_listed_or_archived_and_can_be_repeated(
    store: DeploymentStore,
) -> None:
    steps = 0
    make(store)
    while killed_at(steps + 1, lambda: store.archive.add(ID)):
        steps += 1
        assert len(store.scan()) + len(store.archive.all()) == 1
        for each in store.archive.all():  # Restore the folder if it was moved already.
            store.archive.restore(each.folder, ID)

    assert steps >= 4, "fewer steps were seen than there are"
    assert (len(store.scan()), len(store.archive.all())) == (0, 1)


def test_a_killed_restore_leaves_it_listed_or_archived_and_can_be_repeated(
    store: DeploymentStore,
) -> None:
    put(store)
    steps = 0
    while killed_at(steps + 1, lambda: store.archive.restore(store.archive.all()[0].folder, ID)):
        steps += 1
        assert len(store.scan()) + len(store.archive.all()) == 1
        for each in store.scan():
            store.archive.add(each.id)

    assert steps >= 3
    assert (len(store.scan()), len(store.archive.all())) == (1, 0)


def purge(archive: Archive, name: str) -> None:
    with archive.locked(name) as folder:
        archive.purge(archive.begin_purge(folder))


def test_a_killed_purge_keeps_the_name_and_can_be_repeated(
    store: DeploymentStore,
) -> None:
    name = put(store)
    for number in range(8):
        (store.archive.root / name / f"data-{number}").touch()
    for step, purging in ((1, False), (2, True)):
        assert killed_at(step, lambda: purge(store.archive, name))
        left = store.archive.get(name)
        assert left
        assert left.purging is purging

    kills = 0
    # Six steps are enough for each run to get further than the last run.
    while killed_at(6, lambda: purge(store.archive, name)):
        kills += 1
        left = store.archive.get(name)
        assert kills < 100, "it never comes to its end"
        if left and list(left.folder.glob("data-*")):
            assert left.label == "Support bot"

    assert kills > 3
    assert store.archive.count() == 0
    assert os.listdir(store.archive.root) == []


def test_a_failed_sync_moves_nothing(
    store: DeploymentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(store)
    store.archive.open()

    def full(_descriptor: int) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        store.archive.add(ID)

    assert [each.id for each in store.scan()] == [ID]
    assert store.archive.count() == 0


def test_a_restore_replaces_nothing(store: DeploymentStore) -> None:
    name = put(store)
    make(store)
    archived = store.archive.get(name)
    assert archived

    with pytest.raises(FileExistsError):
        store.archive.restore(archived.folder, ID)

    assert store.archive.get(name)


def test_archiving_twice_in_a_second_gives_two_names(
    store: DeploymentStore,
) -> None:
    names = {put(store), put(store)}

    assert len(names) == 2
    assert {each.name for each in store.archive.all()} == names
    newest = store.archive.newest(ID)
    assert newest
    assert newest.name == max(names)


@pytest.mark.parametrize(
    "name", ["notes", ID, f"{ID}-20261124T093125", f"x{ID}-20261124T093125Z", ".purging-"]
)
def test_other_folders_in_the_archive_are_not_touched(store: DeploymentStore, name: str) -> None:
    store.archive.open()
    (store.archive.root / name).mkdir()

    assert store.archive.all() == []
    assert store.archive.get(name) is None


def test_an_impossible_time_hides_no_container(store: DeploymentStore) -> None:
    store.archive.open()
    (store.archive.root / f"{ID}-20269999T999999Z").mkdir()

    [archived] = store.archive.all()

    assert archived.deployment.problem
    assert archived.label == ID


def test_a_link_in_the_archive_is_no_archived_deployment(
    store: DeploymentStore, tmp_path: Path
) -> None:
    store.archive.open()
    (tmp_path / "elsewhere").mkdir()
    name = f"{ID}-20261124T093125Z"
    (store.archive.root / name).symlink_to(tmp_path / "elsewhere")

    assert store.archive.get(name) is None
    with pytest.raises(OSError), store.archive.locked(name):
        pass


def test_a_link_in_place_of_the_archive_is_not_followed(
    store: DeploymentStore, tmp_path: Path
) -> None:
    make(store)
    (tmp_path / "elsewhere").mkdir()
    store.archive.root.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError) as refused:
        store.archive.add(ID)

    assert "not followed" in storage_cause(refused.value).words
    assert [each.id for each in store.scan()] == [ID]
    assert os.listdir(tmp_path / "elsewhere") == []


def test_an_archived_folder_is_used_by_one_operation_at_a_time(store: DeploymentStore) -> None:
    name = put(store)

    with store.archive.locked(name):
        [archived] = store.archive.all()
        assert archived.busy
        with pytest.raises(Locked), store.archive.locked(name):
            pass


def test_a_folders_lock_moves_with_it_into_the_archive(store: DeploymentStore) -> None:
    lock = lock_folder(make(store))
    name = store.archive.add(ID)

    with pytest.raises(Locked), store.archive.locked(name):
        pass
    os.close(lock)
    with store.archive.locked(name):
        pass


# Deletion of folders.


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_links_are_deleted_and_not_followed(parent: int, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "file").write_text("stays")
    doomed = tmp_path / "doomed"
    (doomed / "a/b").mkdir(parents=True)
    for place in (doomed, doomed / "a", doomed / "a/b"):
        (place / "folder").symlink_to(outside)
        (place / "file").symlink_to(outside / "file")
    os.mkfifo(doomed / "a/pipe")

    delete_folder(parent, "doomed")

    assert not doomed.exists()
    assert (outside / "file").read_text() == "stays"
    assert (outside / "deep").exists()


def test_a_link_in_place_of_the_folder_is_refused(parent: int, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("stays")
    (tmp_path / "doomed").symlink_to("outside")

    with pytest.raises(OSError):
        delete_folder(parent, "doomed")

    assert (tmp_path / "outside/file").read_text() == "stays"


def test_folders_nested_deeper_than_the_path_limit_are_deleted(parent: int, tmp_path: Path) -> None:
    (tmp_path / "doomed").mkdir()
    inner = os.open(tmp_path / "doomed", os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("a-folder-of-some-length", dir_fd=inner)
        deeper = os.open("a-folder-of-some-length", os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = deeper
    os.close(inner)

    delete_folder(parent, "doomed")

    assert not (tmp_path / "doomed").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize("place", ["", "config", "config/a", "config/a/b"])
def test_deletion_does_not_enter_a_mount(parent: int, tmp_path: Path, place: str) -> None:
    """A device number would not show a bind mount of the same disk."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("stays")
    doomed = tmp_path / "doomed"
    (doomed / "config/a/b").mkdir(parents=True)
    subprocess.run(["mount", "--bind", outside, doomed / place], check=True)
    try:
        with pytest.raises(OSError) as refused:
            delete_folder(parent, "doomed")
    finally:
        # The deletion may have moved the mount's parent folder to the top folder.
        [mounted] = [
            each for each in (doomed, *doomed.rglob("*")) if os.path.samefile(each, outside)
        ]
        subprocess.run(["umount", mounted], check=True)

    assert "mounted" in storage_cause(refused.value).words
    assert (outside / "file").read_text() == "stays"
    delete_folder(parent, "doomed")
    assert not doomed.exists()
