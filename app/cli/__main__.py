"""The entry point of `./deploy-agent`."""

import gc
import os
import signal
import sys

_INTERRUPTED = 130  # A shell's exit code for a command that Ctrl-C ended.


def _prepare_streams() -> None:
    """Make sure that all three standard streams exist: the caller may have closed one.

    Otherwise the next file that is opened would get its number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal's encoding lacks is replaced, instead of an error.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def _run() -> int:
    """Return the exit code. Ctrl-C may come while modules are still being imported."""
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


# A command is short, and its modules stay loaded: garbage collection would only slow it down.
gc.set_threshold(50_000)
code = _run()
gc.freeze()
if code == _INTERRUPTED:
    # A shell ends its loop only if the command was killed by the signal itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
sys.exit(code)
