"""The gateway's two data folders, for a process whose user may access them directly."""

import os
import stat
from pathlib import Path

from app.core.settings.compose_file import GATEWAY_UID
from app.store.file_writes import write_file
from app.store.files import read_file

FOLDERS = ("config", "workspace")
_CONFIG = "config/openclaw.json"


def make_missing(folder: Path) -> list[str]:
    """Create missing data folders; return their names."""
    made = []
    for name in FOLDERS:
        if not os.path.lexists(folder / name):
            (folder / name).mkdir(mode=0o700)
            made.append(name)
    return made


def belong_to_gateway(folder: Path) -> bool:
    """Return whether the gateway's user owns both folders and `openclaw.json`."""
    paths = [folder / name for name in (*FOLDERS, _CONFIG) if os.path.lexists(folder / name)]
    return all(os.lstat(path).st_uid == GATEWAY_UID for path in paths)


def may_access_config(folder: Path) -> bool:
    """Return whether this process may read and write files in the config folder."""
    return os.geteuid() in (0, os.lstat(folder / "config").st_uid)


def may_change_owner() -> bool:
    """Return whether this process may change the owner of files."""
    return os.geteuid() == 0


def give_to_gateway(folder: Path) -> None:
    """Make the gateway's user the owner of the data folders; links in them are not followed."""
    for name in FOLDERS:
        for _, folders, files, descriptor in os.fwalk(folder / name, follow_symlinks=False):
            os.fchown(descriptor, GATEWAY_UID, GATEWAY_UID)
            for each in folders + files:
                os.chown(each, GATEWAY_UID, GATEWAY_UID, dir_fd=descriptor, follow_symlinks=False)


def read_config(folder: Path) -> bytes | None:
    """Return the bytes of `openclaw.json`, or None if there is none. Raise Unreadable."""
    if not stat.S_ISDIR(os.lstat(folder / "config").st_mode):
        return None  # This raises OSError for a link in place of the folder.
    try:
        return read_file(folder / _CONFIG)
    except FileNotFoundError:
        return None


def write_config(folder: Path, data: bytes) -> None:
    """Rewrite `openclaw.json`; owner and mode stay."""
    write_file(folder / _CONFIG, data)
