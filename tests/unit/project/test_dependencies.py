"""Installed packages are pinned with hashes and have allowed licenses."""

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator

import pytest

from app.config import PROJECT

LOCKS = ("requirements.lock", "scripts/compose.requirements", "scripts/node.requirements")
LICENCES = runpy.run_path(str(PROJECT / "scripts/licences.py"))


def pins(name: str) -> list[str]:
    """Return the entries of a requirements file, with hashes."""
    return list(pieces((PROJECT / name).read_text()))


def pieces(text: str) -> Iterator[str]:
    """Yield the logical lines, with continued lines joined."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_a_hash(name: str) -> None:
    found = pins(name)

    assert found
    for each in found:
        assert re.match(r"[\w.-]+==[\w.]+\s+--hash=sha256:[0-9a-f]{64}", each), each


def test_every_requirement_is_pinned() -> None:
    asked = {each.lower().replace("_", "-") for each in pins("requirements.txt")}

    assert asked <= {name.lower() for name, _ in LICENCES["locked"](LICENCES["LOCK"].read_text())}


def test_packages_are_installed_by_their_hashes_alone() -> None:
    """Except the tools of `make audit` and `make lock`, which go into a temporary folder."""
    scripts = [*sorted((PROJECT / "scripts").iterdir()), *(PROJECT / "images").glob("*/build")]
    lines = [line for each in scripts for line in pieces(each.read_text())]
    installing = [line for line in lines if re.search(r'/pip"? .*\b(install|download) ', line)]

    assert len([line for line in installing if "--require-hashes" in line]) == 3
    assert [line.split()[-1] for line in installing if "--require-hashes" not in line] == [
        "pip-audit==2.10.1",
        "pip-tools==7.6.2",
    ]


def test_every_package_has_a_licence_that_is_allowed() -> None:
    """The script also lists each package with its license."""
    shown = subprocess.run(
        [sys.executable, PROJECT / "scripts/licences.py"], capture_output=True, text=True
    )

    assert shown.returncode == 0, shown.stderr
    names = re.findall(r"^│ (\S+)\s+│ \S+\s+│ \S", shown.stdout, re.MULTILINE)
    assert names == re.findall(r"^([\w.-]+)==", LICENCES["LOCK"].read_text(), re.MULTILINE)


def test_a_license_that_is_not_allowed_is_refused() -> None:
    given = {
        "good": "MIT",
        "either": "Apache-2.0 OR BSD-3-Clause",
        "copyleft": "GPL-3.0-only",
        "in part": "MIT AND GPL-3.0-only",
        "silent": "",
    }

    assert LICENCES["refused"](given).keys() == {"copyleft", "in part", "silent"}
