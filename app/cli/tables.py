"""Tables: aligned and colored at a terminal, separated by tabs through a pipe."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from app.core.text import plain

# Only values in columns with these names are colored.
_COLORED_COLUMNS = ("status", "outcome")
_COLORS = {
    **dict.fromkeys(("running", "succeeded"), "green"),
    **dict.fromkeys(("failed", "invalid", "restarting", "unhealthy", "interrupted"), "red"),
    **dict.fromkeys(("launching", "stopping", "unknown"), "yellow"),
}


def print_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Print the named columns. At a terminal each column has a heading."""
    cells = [{name: _cell(row.get(name)) for name in columns} for row in rows]
    if not sys.stdout.isatty():
        click.echo("\n".join("\t".join(row.values()) for row in cells))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    headings = list(columns.values())
    table = Table(*headings, box=None, pad_edge=False, show_header=any(headings))
    for row in cells:
        table.add_row(*(Text(text, _style(name, text)) for name, text in row.items()))
    Console().print(table)


def _cell(value: object) -> str:
    """Return a value as one line of plain text, without control characters."""
    return "" if value is None else " ".join(plain(str(value)).split())


def _style(column: str, text: str) -> str:
    return _COLORS.get(text, "") if column in _COLORED_COLUMNS else ""
