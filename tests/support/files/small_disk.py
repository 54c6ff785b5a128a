"""A small mounted disk that can really be full."""

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.cleaning import remove_everything_of


@contextmanager
def mounted(disk: Path, deployments: str = ".", megabytes: int = 1) -> Iterator[Path]:
    """Yield the mount point. Afterwards, remove the deployments on the disk and unmount it."""
    disk.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", disk],
        check=True,
    )
    try:
        (disk / deployments).mkdir(exist_ok=True)
        yield disk
        remove_everything_of(disk / deployments)
    finally:
        subprocess.run(["umount", disk], check=True)


def fill(disk: Path) -> Path:
    """Fill the disk with one file, and return its path."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return filler
