"""A URL decides the content of the list. Deployments with problems come first."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.status.listing import (
    BY_URGENCY,
    ROWS_A_PAGE,
    ListQuery,
    Row,
    read_query,
    select,
    starting,
)
from app.core.status.status import Status
from app.core.status.usage import Usage

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def a_row(name: str = "", status: Status = Status.RUNNING, **more: object) -> Row:
    number = abs(hash((name, status, *more.values()))) % 16**10
    values = {
        "id": f"{number:010x}",
        "port": 20000,
        "image": "openclaw:1",
        "reason_parts": (),
        **more,
    }
    return Row(name=name, status=status, **values)  # type: ignore[arg-type]


ROWS = (
    a_row("Sales", Status.RUNNING, port=30163, since=NOW, usage=Usage(3, 900, 2000)),
    a_row("support", Status.FAILED, port=18790, since=NOW - timedelta(hours=2)),
    a_row("", Status.CONFIGURED, id="0badc0ffee", port=None, image=""),
    a_row("Night", Status.STOPPED, port=12000, since=NOW - timedelta(days=1)),
)


def names(query: ListQuery) -> list[str]:
    return [row.name or row.id for row in select(ROWS, query).rows]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["Night", "Sales", "support", "0badc0ffee"]),
        ("SUP", ["support"]),
        ("s", ["Sales", "support"]),
        ("0bad", ["0badc0ffee"]),
        ("3016", ["Sales"]),
        ("sales 30163", ["Sales"]),
        ("sales 18790", []),
    ],
)
def test_each_search_word_must_be_in_name_id_or_port(text: str, found: list[str]) -> None:
    assert names(ListQuery(text=text)) == found


def test_a_status_filter_does_not_change_the_counts() -> None:
    listing = select(ROWS, ListQuery(statuses=frozenset({Status.FAILED, Status.STOPPED})))

    assert [row.name for row in listing.rows] == ["Night", "support"]
    assert (listing.found, listing.total) == (2, 4)
    assert listing.counts == (
        (Status.FAILED, 1),
        (Status.RUNNING, 1),
        (Status.CONFIGURED, 1),
        (Status.STOPPED, 1),
    )


@pytest.mark.parametrize(
    ("sort", "up", "down"),
    [
        ("status", "support Sales 0badc0ffee Night", "Night 0badc0ffee Sales support"),
        ("port", "Night support Sales 0badc0ffee", "Sales support Night 0badc0ffee"),
        ("since", "Night support Sales 0badc0ffee", "Sales support Night 0badc0ffee"),
        ("cpu", "Sales Night support 0badc0ffee", "Sales Night support 0badc0ffee"),
        ("image", "Night Sales support 0badc0ffee", "Night Sales support 0badc0ffee"),
    ],
)
def test_rows_without_a_value_sort_last_in_both_directions(sort: str, up: str, down: str) -> None:
    assert names(ListQuery(sort=sort)) == up.split()
    assert names(ListQuery(sort=sort, descending=True)) == down.split()


def test_every_status_has_a_rank() -> None:
    assert set(BY_URGENCY) == set(Status)


def test_a_page_has_200_rows_and_a_page_too_far_shows_the_last() -> None:
    rows = [a_row(f"{number:04}") for number in range(450)]

    pages = [select(rows, ListQuery(page=page)) for page in (1, 2, 3, 9)]

    assert [len(each.rows) for each in pages] == [ROWS_A_PAGE, ROWS_A_PAGE, 50, 50]
    assert [each.first for each in pages] == [1, 201, 401, 401]
    assert [row.name for row in pages[1].rows[:1]] == ["0200"]


TEXTS = st.text(max_size=12)


@given(TEXTS, st.lists(st.sampled_from([*Status, "nonsense"])), TEXTS, TEXTS, TEXTS)
def test_any_url_gives_a_valid_query(
    text: str, statuses: list[str], sort: str, order: str, page: str
) -> None:
    given_arguments = {"q": text, "sort": sort, "order": order, "page": page}

    query = read_query(given_arguments, statuses)

    assert select(ROWS, query).pages == 1


@given(
    TEXTS,
    st.frozensets(st.sampled_from(Status)),
    st.sampled_from(["name", "status", "port", "since", "cpu", "memory", "image"]),
    st.booleans(),
    st.integers(1, 99),
)
def test_a_query_survives_the_round_trip_through_its_url(
    text: str, statuses: frozenset[Status], sort: str, descending: bool, page: int
) -> None:
    query = ListQuery(" ".join(text.split()), statuses, sort, descending, page)

    arguments = query.as_arguments(page=page)

    again = read_query({k: str(v) for k, v in arguments.items()}, arguments.get("status", []))
    assert again == query


def test_clicking_an_active_filter_removes_it() -> None:
    query = ListQuery(text="sales", sort="port", page=3)

    once = query.toggled(Status.FAILED)
    twice = read_query({"q": "sales", "sort": "port"}, once["status"]).toggled(Status.FAILED)

    assert once == {"q": "sales", "status": [Status.FAILED], "sort": "port"}
    assert twice == {"q": "sales", "sort": "port"}


def test_a_second_click_on_a_column_reverses_the_order() -> None:
    assert ListQuery().sorted_by("port") == {"sort": "port"}
    assert ListQuery(sort="port").sorted_by("port") == {"sort": "port", "order": "desc"}
    assert ListQuery(sort="port", descending=True).sorted_by("port") == {"sort": "port"}


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ({"launching": 3, "running": 11, "unhealthy": 1, "stopped": 4}, "3 of 15 starting"),
        ({"launching": 15}, "15 of 15 starting"),
        ({"launching": 1, "configured": 3}, ""),
        ({"running": 15, "failed": 1}, ""),
        ({"unknown": 15}, ""),
    ],
)
def test_the_list_says_how_many_gateways_are_still_starting(
    statuses: dict[str, int], words: str
) -> None:
    assert (
        starting(Status(each) for each, number in statuses.items() for _ in range(number)) == words
    )
