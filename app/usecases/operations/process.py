"""Start a process that outlives the server: for an operation, or for a batch of updates."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from app.config import PROJECT
from app.usecases.context import AppContext


def spawn(
    module: str, *arguments: str, lock: int, trace: Path, context: AppContext
) -> subprocess.Popen[bytes]:
    """Run `python -m MODULE ARGUMENTS LOCK`, in a session of its own. Raise OSError.

    The process inherits the lock's descriptor. Its stderr goes to the file `trace`, since the
    process must outlive the server's terminal. Pages are updated when the process ends.
    """
    with open(trace, "wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments, str(lock)],
            cwd=PROJECT,
            env={**os.environ, **context.settings.as_environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            pass_fds=[lock],
        )

    def report_end() -> None:
        process.wait()
        with suppress(Exception):
            context.live_updates.publish()

    threading.Thread(target=report_end, name=f"wait-{process.pid}", daemon=True).start()
    context.live_updates.publish()
    return process
