"""Print the licence of every package that requirements.lock names; end with 1 where one may
not be used here.

A package says it as an SPDX expression, in its classifiers, or in its licence's first line.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

from rich.console import Console
from rich.table import Table

LOCK = Path(__file__).parent.parent / "requirements.lock"
# Taken as they are, changed nowhere: they ask for no more than to be named. Of MPL packages
# the changed files would have to be published; none is changed.
ALLOWED = {
    "0BSD",
    "Apache Software License",
    "Apache-2.0",
    "BSD License",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "MIT",
    "MIT License",
    "MIT-0",
    "MPL-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)",
    "PSF-2.0",
}


def locked(lock: str) -> list[tuple[str, str]]:
    """Return the name and version of each pin."""
    return re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE)


def licence_of(package: Distribution) -> str:
    """Return the license that a package declares, or an empty text."""
    if expression := package.metadata.get("License-Expression"):
        return str(expression)
    classifiers = package.metadata.get_all("Classifier", [])
    named = [each.removeprefix(_NAMES) for each in classifiers if each.startswith(_NAMES)]
    first_lines = (each.strip().partition("\n")[0].strip() for each in _texts(package))
    return " AND ".join(named) or next(filter(None, first_lines), "")


_NAMES = "License :: OSI Approved :: "


def _texts(package: Distribution) -> Iterator[str]:
    yield package.metadata.get("License", "")
    for name in package.metadata.get_all("License-File", []):
        yield package.read_text(f"licenses/{name}") or ""


def refused(licences: Mapping[str, str]) -> dict[str, str]:
    """Return the packages with a license that is not allowed; every part of one has to be."""
    return {
        name: licence
        for name, licence in licences.items()
        if not set(re.split(r" AND | OR ", licence)) <= ALLOWED
    }


def main() -> None:
    pins = locked(LOCK.read_text())
    licences = {name: licence_of(distribution(name)) for name, _ in pins}
    table = Table("package", "version", "licence")
    for name, version in pins:
        table.add_row(name, version, licences[name] or "none is named")
    # Through a pipe too, a row is a line.
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    if bad := refused(licences):
        sys.exit(f"Not on the list of what may be used (scripts/licences.py): {', '.join(bad)}.")


if __name__ == "__main__":
    main()
