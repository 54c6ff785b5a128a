"""The command that shows the history."""

import click

from app.cli.terminal import Terminal
from app.cli.verbs import DeploymentParam, verb
from app.core.history.timeline import TimelineEntry
from app.core.history.timeline_words import EntryKind
from app.usecases.history.answers import HistoryEntryShown
from app.usecases.history.history import PAGE, HistoryFilter, history_of, read_filter
from app.usecases.history.timeline import names_of

_COLUMNS = {
    "at": "When (UTC)",
    "deployment": "Deployment",
    "words": "What",
    "by": "By",
    "from": "From",
}


@verb()
@click.argument("deployment_id", type=DeploymentParam(), metavar="[DEPLOYMENT]", default="")
@click.option("--kind", type=click.Choice([each.value for each in EntryKind]))
@click.option(
    "--who", help="Only actions of this person or token; give the name as the history shows it."
)
@click.option("--day", metavar="YYYY-MM-DD", help="Only this day, in UTC.")
@click.option("--limit", type=click.IntRange(min=1), default=PAGE, show_default=True)
@click.pass_obj
def history(
    terminal: Terminal,
    deployment_id: str,
    kind: str | None,
    who: str | None,
    day: str | None,
    limit: int,
) -> None:
    """Show actions and incidents, newest first.

    With a deployment, show only its entries. With --json, print one object per line, like the
    API's JSON Lines.
    """
    given = {"kind": kind or "", "who": who or "", "day": day or ""}
    found = _read_entries(read_filter(given, deployment_id), limit, terminal)
    if terminal.as_json:
        terminal.write(*(HistoryEntryShown.of(each).as_json() for each in found))
        return
    names = names_of(found, context=terminal.context)
    terminal.table(
        [_row(each, names.get(each.deployment_id, "")) for each in found],
        _COLUMNS,
        otherwise="The history has no matching entries.",
    )


def _read_entries(wanted: HistoryFilter, limit: int, terminal: Terminal) -> list[TimelineEntry]:
    found: list[TimelineEntry] = []
    before = ""
    while len(found) < limit:
        page = history_of(wanted, context=terminal.context, before=before, most=limit - len(found))
        found += page.entries
        before = page.older
        if not before:
            break
    return found


def _row(entry: TimelineEntry, name: str) -> dict[str, str]:
    detail = f": {entry.detail}" if entry.detail else ""
    return {
        "at": f"{entry.at:%Y-%m-%d %H:%M:%S}",
        "deployment": name or entry.deployment_id,
        "words": f"{entry.words}{detail}",
        "by": entry.who,
        "from": entry.source,
    }
