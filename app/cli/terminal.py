"""The object that every command gets: the actor, the context, and output as text or JSON."""

import json
import os
import pwd
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from app.cli.exit_codes import GOING_ON
from app.cli.tables import print_table
from app.core.answers import Answer, AnswerPart
from app.core.errors import StorageFailed
from app.core.text import plain

if TYPE_CHECKING:
    from app.core.operations.operation import Operation
    from app.usecases.context import AppContext
    from app.usecases.operations.answers import GoingOn
    from app.usecases.operations.start import Started

_LOOK_SECONDS = 0.2


class Terminal:
    """One run of a command."""

    def __init__(self) -> None:
        self.as_json = False

    @cached_property
    def context(self) -> "AppContext":
        """The context, built from the same environment variables as the server's context.

        Raises StorageFailed, RemoteEngine.
        """
        from app.config import load_settings
        from app.usecases.context import build_context

        settings = load_settings()
        _refuse_unreadable(settings.deployments_dir)
        return build_context(settings)

    @cached_property
    def actor(self) -> str:
        """The name of this shell's user in the history."""
        return f"{_system_user()} at the command line"

    def answer(self, words: str, answer: AnswerPart | None = None, **more: Any) -> None:
        """Print what was done, or with `--json` the API's answer."""
        if self.as_json:
            self.write({"ok": True, **(answer.as_json() if answer else {}), **more})
        else:
            click.echo(plain(words))

    def write(self, *answers: object) -> None:
        """Write each answer as a line of JSON."""
        for each in answers:
            click.echo(json.dumps(each))

    def warn(self, words: Iterable[str]) -> None:
        """Print warnings to standard error. With `--json` print none: the answer has them."""
        for each in words if not self.as_json else ():
            click.echo(plain(each), err=True)

    def table(
        self,
        rows: Sequence[AnswerPart | Mapping[str, Any]],
        columns: Mapping[str, str],
        *,
        otherwise: str,
        answer: object = None,
    ) -> None:
        """Print a table of rows with these columns, or `otherwise` if there are no rows.

        With `--json`, print the `answer` instead, or all keys of the rows if it is None.
        """
        shown = [each.as_json() if isinstance(each, AnswerPart) else each for each in rows]
        if self.as_json:
            self.write(shown if answer is None else answer)
        elif shown:
            print_table(shown, columns)
        else:
            click.echo(otherwise, err=True)

    def sheet(self, answer: Answer, facts: Iterable[tuple[str, str]]) -> None:
        """Print labels with their facts, or with `--json` the answer."""
        if self.as_json:
            self.write(answer.as_json())
        else:
            rows = [{"label": label, "words": words} for label, words in facts]
            print_table(rows, {"label": "", "words": ""})

    def wait_for(
        self, started: "Started", *, meanwhile: "GoingOn", seconds: float | None
    ) -> "Operation":
        """Return the operation once it has ended. At a terminal, show its log while it runs.

        If the operation still runs after `seconds`, exit and report `meanwhile` as the
        deployment's status. Raises the errors of `app.usecases.operations.wait.wait_for`.
        """
        from app.usecases.operations.wait import wait_for

        with self.waiting_for(started.operation):
            ended = self._follow(started, seconds) and wait_for(started, context=self.context)
        return ended or self.leave_going_on(started.operation, meanwhile)

    @contextmanager
    def waiting_for(self, operation: "Operation") -> Iterator[None]:
        """On Ctrl-C, say that the operation goes on. Only the command ends."""
        try:
            yield
        except KeyboardInterrupt:
            click.echo(f"\n{_still_running_words(operation)}", err=True)
            raise

    def leave_going_on(self, operation: "Operation", status: "GoingOn") -> NoReturn:
        """Say that an operation is still running, and exit."""
        from app.usecases.operations.answers import OperationGoesOn

        answer = OperationGoesOn.of(operation, status=status)
        self.answer(_still_running_words(operation), answer)
        raise click.exceptions.Exit(GOING_ON)

    def _follow(self, started: "Started", seconds: float | None) -> bool:
        """Wait for the end of an operation's process; return False after `seconds`."""
        begun, offset = time.monotonic(), 0
        while True:
            waited = time.monotonic() - begun
            left = _LOOK_SECONDS if seconds is None else seconds - waited
            try:
                started.process.wait(max(0.0, min(left, _LOOK_SECONDS)))
            except subprocess.TimeoutExpired:
                offset = self._show_output(started.operation, offset)
                if left <= 0:
                    return False
            else:
                self._show_output(started.operation, offset)
                return True

    def _show_output(self, operation: "Operation", offset: int) -> int:
        """Show an operation's new output at a terminal. Return the offset of the output's end."""
        if self.as_json or not sys.stderr.isatty():
            return offset
        from app.usecases.operations.operations import output_since

        lines, offset = output_since(operation, offset, context=self.context)
        for _, text in lines:
            click.echo(click.style(plain(text), dim=True), err=True)
        return offset


def _still_running_words(operation: "Operation") -> str:
    shown = f"deploy-agent show {operation.deployment_id}"
    return f"The {operation.kind.noun} goes on; “{shown}” shows how it ends."


def _refuse_unreadable(folder: Path) -> None:
    """Raise StorageFailed for an unreadable folder. Otherwise the folder would seem empty."""
    if folder.exists() and not os.access(folder, os.R_OK | os.X_OK):
        raise StorageFailed(
            f"You may not read {folder}. Run this command as the server's user,"
            " for example with sudo."
        )


def _system_user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
