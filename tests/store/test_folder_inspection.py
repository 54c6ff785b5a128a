"""An inspection of a folder finds foreign files, exposed files, links and wrong owners."""

import os
import time
from pathlib import Path

import pytest

from app.core.doctor.folder import ExposedPath, FolderLink, ForeignEntry
from app.store.folder_inspection import (
    exposed_file,
    exposed_in,
    exposed_in_root,
    foreign_entries,
    links_in,
    misowned_paths,
)

ID = "0b7a3361be"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a correct deployment."""
    folder = tmp_path / ID
    for name in ("config", "workspace", ".deploy-agent"):
        (folder / name).mkdir(mode=0o700, parents=True)
    (folder / ".env").touch(0o600)
    (folder / "docker-compose.yml").touch(0o644)
    (folder / "config/openclaw.json").touch()
    (folder / "config/openclaw.json").chmod(0o644)
    return folder


def test_our_own_and_half_made_folders_are_not_foreign(folder: Path) -> None:
    root = folder.parent
    for name in (".deploy-agent", f".archive/{ID}-20261124T093125Z", "lost+found", f".new-{ID}"):
        (root / name).mkdir(parents=True)
    (root / "README.md").touch()
    assert foreign_entries(root) == []

    (root / "0123456789").touch()
    (root / ".archive/old").mkdir()
    (root / "my-bot").mkdir()
    (root / "my-bot/.env").touch()

    assert foreign_entries(root) == [
        ForeignEntry(".archive/old", True),
        ForeignEntry("0123456789", False),
        ForeignEntry("my-bot", True),
    ]
    (root / "my-bot/docker-compose.yml").touch()
    assert foreign_entries(root)[-1].looks_like_deployment
    assert foreign_entries(root / "nowhere") == []


def test_a_correct_folder_exposes_nothing(folder: Path) -> None:
    assert exposed_in(folder) == []
    assert exposed_in_root(folder.parent) == []
    assert links_in(folder) == []


def test_files_with_keys_are_private(folder: Path) -> None:
    (folder / ".env.old").touch()
    (folder / ".env.old").chmod(0o640)
    (folder / "config").chmod(0o755)
    (folder / ".deploy-agent").chmod(0o750)
    (folder / "docker-compose.yml").chmod(0o666)

    assert {(Path(each.path).name, each.private) for each in exposed_in(folder)} == {
        (".env.old", True),
        (".deploy-agent", True),
        ("openclaw.json", True),
        ("docker-compose.yml", False),
    }


def test_a_settings_file_with_a_secret_must_be_private(tmp_path: Path) -> None:
    settings = tmp_path / "deploy-agent"
    settings.touch()
    settings.chmod(0o644)
    assert exposed_file(settings) == [ExposedPath(str(settings), 0o644)]

    settings.chmod(0o600)
    assert exposed_file(settings) == exposed_file(tmp_path / "nowhere") == []


def test_a_world_writable_folder_is_reported_unless_it_is_sticky(folder: Path) -> None:
    folder.parent.chmod(0o777)
    assert exposed_in_root(folder.parent) == [ExposedPath(str(folder.parent), 0o777, private=False)]

    folder.parent.chmod(0o1777)
    assert exposed_in_root(folder.parent) == []


def test_symlinks_are_reported_with_their_target(folder: Path, tmp_path: Path) -> None:
    (folder / ".env").unlink()
    (folder / ".env").symlink_to(tmp_path / "gone")
    (tmp_path / "0123456789").symlink_to(folder)

    assert links_in(folder) == [FolderLink(str(folder / ".env"), "")]
    assert links_in(tmp_path / "0123456789") == [
        FolderLink(str(tmp_path / "0123456789"), str(folder))
    ]
    assert exposed_in(folder) == []


def test_links_in_the_data_are_not_followed_and_the_deadline_holds(folder: Path) -> None:
    (folder / "config/outside").symlink_to("/etc")
    everything = {
        (str(folder / name), os.geteuid())
        for name in ("config", "config/outside", "config/openclaw.json", "workspace")
    }

    found, whole = misowned_paths(folder, time.monotonic() + 60)
    assert (set(found), whole) == (everything, True)

    found, _ = misowned_paths(folder, time.monotonic())
    assert {path for path, _ in found} == {str(folder / "config"), str(folder / "workspace")}
