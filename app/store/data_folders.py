"""The gateway's two data folders, as far as the file system lets us at them ourselves."""

import os
import stat
from pathlib import Path

from app.core.settings.compose_file import GATEWAY_UID
from app.store.file_writes import write_file
from app.store.files import read_file

FOLDERS = ("config", "workspace")
_CONFIG = "config/openclaw.json"


def make_missing(folder: Path) -> list[str]:
    """Make the data folders that are not there; return their names."""
    made = []
    for name in FOLDERS:
        if not os.path.lexists(folder / name):
            (folder / name).mkdir(mode=0o700)
            made.append(name)
    return made


def belong_to_gateway(folder: Path) -> bool:
    """Say whether both folders and `openclaw.json` are the gateway's: a new one is the writer's."""
    paths = [folder / name for name in (*FOLDERS, _CONFIG) if os.path.lexists(folder / name)]
    return all(os.lstat(path).st_uid == GATEWAY_UID for path in paths)


def are_ours(folder: Path) -> bool:
    """Say whether this process may read and write what is in the config folder."""
    return os.geteuid() in (0, os.lstat(folder / "config").st_uid)


def may_give() -> bool:
    """Say whether this process may give files to another user."""
    return os.geteuid() == 0


def give_to_gateway(folder: Path) -> None:
    """Give the data folders to the gateway's user; links in them are given, not followed."""
    for name in FOLDERS:
        for _, folders, files, descriptor in os.fwalk(folder / name, follow_symlinks=False):
            os.fchown(descriptor, GATEWAY_UID, GATEWAY_UID)
            for each in folders + files:
                os.chown(each, GATEWAY_UID, GATEWAY_UID, dir_fd=descriptor, follow_symlinks=False)


def read_config(folder: Path) -> bytes | None:
    """Return `openclaw.json`, or None where there is none. Raises Unreadable."""
    if not stat.S_ISDIR(os.lstat(folder / "config").st_mode):
        return None  # A link in place of the folder is not followed.
    try:
        return read_file(folder / _CONFIG)
    except FileNotFoundError:
        return None


def write_config(folder: Path, data: bytes) -> None:
    """Rewrite `openclaw.json`, its owner and mode kept."""
    write_file(folder / _CONFIG, data)
