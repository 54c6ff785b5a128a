"""Tables in Markdown, for docs/performance.md."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psutil


@dataclass(slots=True)
class Table:
    """A table of measurements. The first column has the names of the rows."""

    title: str
    columns: Sequence[str]
    notes: str = ""
    rows: list[Sequence[object]] = field(default_factory=list)

    def add(self, *cells: object) -> None:
        self.rows.append(cells)

    def markdown(self) -> str:
        lines = [
            f"### {self.title}",
            "",
            _line(self.columns),
            _line(["---", *["--:"] * (len(self.columns) - 1)]),
            *(_line([_shown(cell) for cell in row]) for row in self.rows),
        ]
        if self.notes:
            lines += ["", self.notes]
        return "\n".join(lines)


def heading() -> str:
    """Return the date and the machine of the measurement as one line."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GiB,"
        f" Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the start"
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(cell: object) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
