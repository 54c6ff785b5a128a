"""`make demo`: run the demo until Ctrl-C."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click

from demo.show import ASK_AGAIN_SECONDS, FOLDER, running_demo


@click.command()
@click.option("--folder", type=click.Path(path_type=Path, resolve_path=True), default=FOLDER)
def main(folder: Path) -> None:
    """Show twelve deployments in a scratch folder, and remove them at the end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    # A shell starts background jobs with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(KeyboardInterrupt), running_demo(folder) as (demo, server):
        click.echo(f"The demo is at {demo.url}; its deployments are starting.")
        demo.fill()
        click.echo("All deployments are ready. Ctrl-C ends the demo and removes everything.")
        while server.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                server.wait(ASK_AGAIN_SECONDS)
            demo.ask()


main()
