"""The exit codes, and how a command reports an error: as a sentence or as JSON."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import IO, Any

import click

from app.core.errors import EngineError, InputRejected, UserError
from app.core.text import plain

DONE, FAILED, USAGE, NOT_FOUND, CONFLICT, ENGINE, GOING_ON = range(7)
INTERRUPTED = 130  # A shell's exit code for a command that Ctrl-C ended.
EXITS: Mapping[int, str] = MappingProxyType(
    {
        DONE: "done",
        FAILED: "the attempt failed",
        USAGE: "the command or a value in it is wrong; nothing was done",
        NOT_FOUND: "there is no such deployment, user or other object",
        CONFLICT: "not possible now, for example while another operation is running",
        ENGINE: "Docker Engine can't be reached, does not answer, or refused the request",
        GOING_ON: "started, and still running",
        INTERRUPTED: "ended by Ctrl-C; the operation goes on",
    }
)
_BY_STATUS = {404: NOT_FOUND, 409: CONFLICT, 422: USAGE}


def exit_code(error: UserError) -> int:
    if isinstance(error, EngineError):
        return ENGINE
    return _BY_STATUS.get(error.status, FAILED)


class CommandFailed(click.ClickException):
    """Reports a use case's error: its message, or with `--json` the API's error object."""

    def __init__(self, error: UserError, as_json: bool) -> None:
        super().__init__(_words(error))
        self.exit_code = exit_code(error)  # type: ignore[misc]
        self._problem = error.problem if as_json else None

    def show(self, file: IO[Any] | None = None) -> None:
        if self._problem is None:
            super().show(file)
        else:
            click.echo(json.dumps(self._problem))


def _words(error: UserError) -> str:
    if isinstance(error, InputRejected):
        return "\n".join(f"{name} {plain(message)}" for name, message in error.fields.items())
    fix = error.problem.get("fix")
    return "\n".join(filter(None, (plain(error.detail), fix and f"$ {fix}")))
