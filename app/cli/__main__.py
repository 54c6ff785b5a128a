"""The entry of `./deploy-agent`."""

import os
import signal
import sys

from app.cli.exits import INTERRUPTED
from app.cli.main import main

for stream in (sys.stdout, sys.stderr):
    # A terminal of another encoding shows a mark, where it would end the command.
    stream.reconfigure(errors="replace")  # type: ignore[union-attr]
try:
    main(prog_name="deploy-agent")
except SystemExit as end:
    if end.code != INTERRUPTED:
        raise
    # A shell ends its loop only where the command was ended by the signal itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
