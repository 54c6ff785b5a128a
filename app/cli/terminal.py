"""What every verb gets: who asks, the world, and one way to answer people and scripts alike."""

import json
import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from app.cli.exits import GOING_ON
from app.core.text import plain

if TYPE_CHECKING:
    from app.core.deployment import Operation
    from app.usecases.operations import Started
    from app.usecases.world import World

_LOOK_SECONDS = 0.2


class Terminal:
    """One call of the command line."""

    def __init__(self) -> None:
        self.as_json = False

    @cached_property
    def world(self) -> "World":
        """The world of the same settings as the server's: its environment variables."""
        from app.config import load_settings
        from app.usecases.world import build_world

        return build_world(load_settings())

    @cached_property
    def actor(self) -> str:
        """Who asks, as the history names them."""
        return f"{_system_user()} at the command line"

    def answer(self, words: str, **answer: Any) -> None:
        """Say what was done: in words, or with `--json` as the API answers."""
        click.echo(json.dumps({"ok": True, **answer}) if self.as_json else plain(words))

    def table(
        self, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], otherwise: str
    ) -> None:
        """Show rows as the API describes them: as JSON, or of each the columns named here.

        People get a table; whoever reads it through a pipe gets tabs between the values.
        """
        if self.as_json:
            click.echo(json.dumps(rows))
            return
        cells = [[_cell(row.get(name)) for name in columns] for row in rows]
        if not rows:
            click.echo(otherwise, err=True)
        elif sys.stdout.isatty():
            _print_table(list(columns.values()), cells)
        else:
            click.echo("\n".join("\t".join(row) for row in cells))

    def wait_for(
        self,
        started: "Started",
        how_it_ended: Callable[..., "Operation | None"],
        *,
        meanwhile: str,
        seconds: float | None,
    ) -> "Operation":
        """Return how an operation ended. `how_it_ended` is its use case's `wait_for_…`.

        At a terminal it is followed line by line. Where it goes on after `seconds`, the
        command ends with `meanwhile` as the deployment's status; Ctrl-C ends the command
        alone. Raises what `how_it_ended` does.
        """
        try:
            ended = self._follow(started, seconds) and how_it_ended(started, world=self.world)
        except KeyboardInterrupt:
            click.echo(f"\n{_goes_on(started.operation)}", err=True)
            raise
        if ended:
            return ended
        self._tell_it_goes_on(started.operation, meanwhile)
        raise click.exceptions.Exit(GOING_ON)

    def _follow(self, started: "Started", seconds: float | None) -> bool:
        """Wait for the end of an operation's process and say whether it came."""
        ends_at = None if seconds is None else time.monotonic() + seconds
        offset = 0
        while True:
            left = _LOOK_SECONDS if ends_at is None else max(0.0, ends_at - time.monotonic())
            try:
                started.process.wait(min(left, _LOOK_SECONDS))
            except subprocess.TimeoutExpired:
                offset = self._show_output(started.operation, offset)
                if ends_at is not None and time.monotonic() >= ends_at:
                    return False
            else:
                self._show_output(started.operation, offset)
                return True

    def _show_output(self, operation: "Operation", offset: int) -> int:
        if self.as_json or not sys.stderr.isatty():
            return offset
        from app.usecases.operations import output_since

        lines, offset = output_since(operation, offset, world=self.world)
        for _, text in lines:
            click.echo(click.style(text, dim=True), err=True)
        return offset

    def _tell_it_goes_on(self, operation: "Operation", status: str) -> None:
        from app.usecases.operations import describe

        self.answer(
            _goes_on(operation),
            deployment_id=operation.deployment_id,
            status=status,
            operation=describe(operation),
        )


def _goes_on(operation: "Operation") -> str:
    shown = f"deploy-agent show {operation.deployment_id}"
    return f"The {operation.kind.noun} goes on by itself; “{shown}” tells how it ends."


def _system_user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def _cell(value: object) -> str:
    """Return a value as a person reads it, in one line: it may be somebody else's text."""
    return " ".join(plain(str(value)).split()) if value is not None else ""


def _print_table(headings: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
