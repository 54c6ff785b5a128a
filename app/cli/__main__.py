"""The entry point of `./deploy-agent`."""

import gc
import os
import signal
import sys

_INTERRUPTED = 130  # A shell's exit code for a command that Ctrl-C ended.


def _prepare_streams() -> None:
    """Open every standard stream that the caller has closed.

    Otherwise the next opened file would get the number of the closed stream.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # Replace characters that the terminal's encoding lacks, instead of raising an error.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def _run() -> int:
    """Return the exit code, also if Ctrl-C is pressed while modules are still being imported."""
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


# A command soon ends and unloads no module: garbage collection would only cost time.
gc.set_threshold(50_000)
code = _run()
gc.freeze()
if code == _INTERRUPTED:
    # A shell script's loop stops on Ctrl-C only if the signal itself ended the command.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
sys.exit(code)
