"""The command that shows a gateway's log, and follows it."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime

import click

from app.cli.terminal import Terminal
from app.cli.verbs import deployment_argument, verb
from app.core.logs.lines import Level, LogFilter, LogLine, LogNotice, Stream
from app.core.logs.query import parse_since
from app.usecases.logs.follow import lines_from
from app.usecases.logs.logs import (
    DEFAULT_TAIL,
    LARGEST_TAIL,
    LogRequest,
    Logs,
    read_ended_log,
    read_logs,
)
from app.usecases.status.overview import show_deployment

_COLORS = {Level.ERROR: "red", Level.WARN: "yellow"}


@verb()
@deployment_argument
@click.option("-f", "--follow", is_flag=True, help="Also show new lines, until Ctrl-C.")
@click.option(
    "--tail",
    type=click.IntRange(1, LARGEST_TAIL),
    default=DEFAULT_TAIL,
    show_default=True,
    help="How many of the last lines to show.",
)
@click.option(
    "--since",
    metavar="WHEN",
    help="Only lines of the last 10m or 2h, or after a time such as 2026-11-24T06:00:00Z.",
)
@click.option(
    "--level",
    type=click.Choice([each.value for each in Level if each]),
    help="Only lines of this level or a more serious one.",
)
@click.option("--stream", type=click.Choice([each.value for each in Stream]))
@click.option("--text", default="", help="Only lines that contain this text.")
@click.option("--before", is_flag=True, help="Show the last words of the previous run instead.")
@click.pass_obj
def logs(
    terminal: Terminal,
    deployment_id: str,
    follow: bool,
    tail: int,
    since: str | None,
    level: str | None,
    stream: str | None,
    text: str,
    before: bool,
) -> None:
    """Show a gateway's log, or its last words. With --json, print one object per line."""
    if follow and before:
        raise click.UsageError("The previous run has ended: there is nothing to follow.")
    log_filter = LogFilter(Level(level or ""), Stream(stream) if stream else None, text)
    view = show_deployment(deployment_id, context=terminal.context)
    asked = LogRequest(tail, parse_since(since, datetime.now(UTC)) if since else None, log_filter)
    read = read_ended_log if before else read_logs
    found = read(view, asked, context=terminal.context)
    _warn_about_source(found, terminal)
    _print(found.lines, terminal)
    if follow:
        _print(
            lines_from(found.position, log_filter, deployment_id, context=terminal.context),
            terminal,
        )


def _warn_about_source(found: Logs, terminal: Terminal) -> None:
    if words := found.last_words:
        terminal.warn([f"No gateway is running. These are the last words, from {words.at}."])
    elif not found.lines:
        terminal.warn(["The log has no matching lines."])


def _print(lines: Iterable[LogLine | LogNotice], terminal: Terminal) -> None:
    for line in lines:
        if isinstance(line, LogNotice):
            terminal.warn([line.words])
        elif terminal.as_json:
            terminal.write(_line_as_json(line))
        else:
            click.echo(_colored(line))


def _line_as_json(line: LogLine) -> dict[str, str]:
    return {"time": line.time, "stream": line.stream, "level": line.level, "text": line.text}


def _colored(line: LogLine) -> str:
    if not sys.stdout.isatty():
        return f"{line.time} {line.text}"
    time = click.style(line.time[:19].replace("T", " "), dim=True)
    text = "".join(piece.text for piece in line.pieces)
    return f"{time} {click.style(text, _COLORS.get(line.level))}"
