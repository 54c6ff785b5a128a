"""`python -m bench [TABLE…]`: measure and print the named tables; without a name, all."""

import sys
from collections.abc import Callable, Mapping

import click

from bench.commands import commands
from bench.eye import engine_to_eye, idle_tabs
from bench.listing import folders, running
from bench.operations import launches
from bench.pages import pages, start
from bench.tables import Table, heading
from bench.viewers import viewers

_TABLES: Mapping[str, Callable[[], Table]] = {
    "list": running,
    "folders": folders,
    "pages": pages,
    "eye": engine_to_eye,
    "tabs": idle_tabs,
    "viewers": viewers,
    "launches": launches,
    "commands": commands,
    "start": start,
}


def main(asked: list[str]) -> None:
    if unknown := set(asked) - set(_TABLES):
        sys.exit(f"There is no table {', '.join(sorted(unknown))}: {', '.join(_TABLES)}.")
    click.echo(f"{heading()}\n")
    for name in asked or _TABLES:
        click.echo(f"{_TABLES[name]().markdown()}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
