"""The entry of `./deploy-agent`."""

import gc
import os
import signal
import sys

_INTERRUPTED = 130  # What a shell says of a command that Ctrl-C ended.


def _prepare_streams() -> None:
    """Have all three, also where the caller closed one; what opens takes its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding shows a mark, where it would end the command.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def _run() -> int:
    """Return the exit code. Ctrl-C may come while things are still being loaded."""
    try:
        _prepare_streams()
        from app.cli.main import main

        main(prog_name="deploy-agent")
    except KeyboardInterrupt:
        return _INTERRUPTED
    except SystemExit as end:
        if isinstance(end.code, str):
            raise
        return end.code or 0
    return 0


# What a command loads stays to its end: the collector looks through it seldom, and not then.
gc.set_threshold(50_000)
code = _run()
gc.freeze()
if code == _INTERRUPTED:
    # A shell ends its loop only where the command was ended by the signal itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
sys.exit(code)
