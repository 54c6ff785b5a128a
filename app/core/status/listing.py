"""The list of deployments: searched, filtered by status, sorted, one page at a time."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.core.status.status import Status
from app.core.status.usage import Usage
from app.core.time_words import SentencePart

ROWS_A_PAGE = 200

# Statuses in the order of urgency.
BY_URGENCY = (
    Status.FAILED,
    Status.INVALID,
    Status.UNKNOWN,
    Status.RESTARTING,
    Status.UNHEALTHY,
    Status.LAUNCHING,
    Status.STOPPING,
    Status.RUNNING,
    Status.CONFIGURED,
    Status.STOPPED,
)


@dataclass(frozen=True, slots=True)
class Row:
    """A deployment's row in the list. Equal rows look the same."""

    id: str
    name: str
    port: int | None
    image: str
    status: Status
    reason_parts: tuple[SentencePart, ...]
    next_step: str = ""
    since: datetime | None = None
    asking_devices: int = 0
    usage: Usage | None = None
    page_url: str | None = None
    action: str = ""
    drift: tuple[str, ...] = ()

    def matches(self, words: Sequence[str]) -> bool:
        """Return whether every word is in the name, the id or the port."""
        text = f"{self.name} {self.id} {self.port or ''}".casefold()
        return all(word in text for word in words)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list request in a URL. `page` counts from 1."""

    text: str = ""
    statuses: frozenset[Status] = frozenset()
    sort: str = "name"
    descending: bool = False
    page: int = 1

    @property
    def is_plain(self) -> bool:
        """Return whether the request has no filter."""
        return not self.text and not self.statuses

    def as_arguments(self, **changed: Any) -> dict[str, Any]:
        """Return the request as arguments of a URL, without defaults."""
        new = replace(self, **{"page": 1, **changed})
        arguments = {
            "q": new.text,
            "status": sorted(new.statuses, key=BY_URGENCY.index),
            "sort": new.sort if new.sort != "name" else "",
            "order": "desc" if new.descending else "",
            "page": new.page if new.page > 1 else "",
        }
        return {key: value for key, value in arguments.items() if value}

    def toggled(self, status: Status) -> dict[str, Any]:
        """Return the arguments with a status added to the filter, or removed from it."""
        return self.as_arguments(statuses=self.statuses ^ {status})

    def sorted_by(self, column: str) -> dict[str, Any]:
        """Return the arguments that sort by a column, in reverse if that column sorts the list."""
        down = self.sort == column and not self.descending
        return self.as_arguments(sort=column, descending=down)


def read_query(arguments: Mapping[str, str], statuses: Iterable[str]) -> ListQuery:
    """Return the list request in a URL. Invalid arguments are ignored."""
    known = set(Status)
    page = arguments.get("page", "")
    return ListQuery(
        text=" ".join(arguments.get("q", "").split())[:100],
        statuses=frozenset(Status(each) for each in statuses if each in known),
        sort=arguments["sort"] if arguments.get("sort") in _KEYS else "name",
        descending=arguments.get("order") == "desc",
        page=max(1, int(page)) if page.isascii() and page.isdecimal() and len(page) < 6 else 1,
    )


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list. `counts` cover all rows that match the search, of any status."""

    query: ListQuery
    rows: tuple[Row, ...]
    counts: tuple[tuple[Status, int], ...]
    total: int
    found: int
    pages: int
    first: int


def select(rows: Sequence[Row], query: ListQuery) -> Listing:
    words = query.text.casefold().split()
    searched = [row for row in rows if row.matches(words)]
    numbers = Counter(row.status for row in searched)
    found = [row for row in searched if not query.statuses or row.status in query.statuses]
    pages = max(1, -(-len(found) // ROWS_A_PAGE))
    page = min(query.page, pages)
    first = (page - 1) * ROWS_A_PAGE
    return Listing(
        query=replace(query, page=page),
        rows=tuple(_in_order(found, query)[first : first + ROWS_A_PAGE]),
        counts=tuple((each, numbers[each]) for each in BY_URGENCY if each in numbers),
        total=len(rows),
        found=len(found),
        pages=pages,
        first=first + 1,
    )


def starting(statuses: Iterable[Status]) -> str:
    """Return how many gateways are still starting, for example after a boot of the host.

    Empty if no gateway is starting. Also empty if only one gateway is up, because its row says so.
    """
    up = [status for status in statuses if status.up]
    number = up.count(Status.LAUNCHING)
    return f"{number} of {len(up)} starting" if number and len(up) > 1 else ""


def _in_order(rows: Iterable[Row], query: ListQuery) -> list[Row]:
    """Sort by the column, then by name. Rows without a value come last in both directions."""
    by_name = sorted(rows, key=_KEYS["name"])
    key = _KEYS[query.sort]
    valued = [row for row in by_name if key(row) is not None]
    rest = [row for row in by_name if key(row) is None]
    return sorted(valued, key=key, reverse=query.descending) + rest


# None if a row has no value in the column.
_KEYS: Mapping[str, Callable[[Row], Any]] = {
    "name": lambda row: (not row.name, row.name.casefold(), row.id),
    "status": lambda row: BY_URGENCY.index(row.status),
    "port": lambda row: row.port,
    "image": lambda row: row.image or None,
    "since": lambda row: row.since,
    "cpu": lambda row: row.usage and row.usage.cpu_percent,
    "memory": lambda row: row.usage and row.usage.memory_bytes,
}
