"""The command line as a script uses it: in this process or in a new process."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from typing import Any

from click.testing import CliRunner, Result

from app.cli.main import main
from app.cli.terminal import Terminal
from app.config import PROJECT
from app.usecases.context import AppContext

PYTHON = (sys.executable, "-m", "app.cli")


class CommandLine:
    """Call `deploy-agent` in this process, which saves the start-up time.

    Without a context, each call builds a new context from the environment.
    """

    def __init__(self, context: AppContext | None, environment: Mapping[str, str]) -> None:
        self._context = context
        self._runner = CliRunner(env=environment)

    def call(self, *words: str, typed: str = "") -> Result:
        terminal = Terminal()
        if self._context:
            terminal.context = self._context
        # A new `contextvars` context, as in a new process: no earlier request's address is in it.
        return Context().run(self._runner.invoke, main, words, input=typed, obj=terminal)

    def done(self, *words: str, typed: str = "") -> str:
        """Return the output of a call that must succeed."""
        result = self.call(*words, typed=typed)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: str, exit_code: int = 0) -> Any:
        result = self.call(*words, "--json")
        assert result.exit_code == exit_code, result.output
        return json.loads(result.stdout)


class AtTerminal:
    """A context manager that runs a command at a terminal and captures its standard output."""

    def __init__(
        self, *words: str, environment: Mapping[str, str], command: Sequence[str] = PYTHON
    ) -> None:
        ours, theirs = pty.openpty()
        self._terminal = os.fdopen(ours, "r+b", buffering=0)
        os.set_blocking(ours, False)
        self.process = subprocess.Popen(
            # Restore SIGINT, as an interactive shell does. Otherwise the command would inherit an
            # ignored SIGINT when the tests run as a background job.
            ["env", "--default-signal=INT", *command, *words],
            cwd=PROJECT,
            env=environment,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def __enter__(self) -> "AtTerminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self._terminal.close()

    def shows(self, words: str) -> bool:
        """Return whether the terminal has already shown these words."""
        with suppress(OSError):  # EIO on Linux if no other process has the terminal open.
            self.shown += (self._terminal.read(65536) or b"").decode()
        return words in self.shown

    def type(self, text: str) -> None:
        self._terminal.write(text.encode())

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, str]:
        """Wait for the command's end. Return its exit code and standard output."""
        output, _ = self.process.communicate(timeout=60)
        self.shows("")
        return self.process.returncode, output
