"""The layers of a pull: told as lines, read back, added up; from what Compose really says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.operations.compose_events import told_by, words_in
from app.core.operations.pull_progress import (
    Layer,
    Phase,
    layer_in,
    layer_line,
    layers_of,
    percent_of,
)

A, B = "7df4b48abd32", "f4690cf19201"

layers = st.builds(
    Layer,
    st.text("0123456789abcdef", min_size=12, max_size=12),
    st.sampled_from(Phase),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
)


@given(layers)
def test_a_layer_is_read_back_as_it_was_told(layer: Layer) -> None:
    assert layer_in(layer_line(layer)) == layer


@pytest.mark.parametrize(
    "line",
    ["", "layer", f"layer {A} flying 1/2", f"layer {A} done 1/2 more", f"xlayer {A} done 1/2"],
)
def test_another_line_is_no_layer(line: str) -> None:
    assert layer_in(line) is None


@given(st.lists(layers))
def test_what_is_had_is_a_percentage_however_odd_the_numbers(told: list[Layer]) -> None:
    known = layers_of(told)

    assert 0 <= percent_of(known) <= 100
    assert all(0 <= each.percent <= 100 for each in known)


def test_a_layer_keeps_its_size_when_it_is_told_no_more() -> None:
    told = [Layer(A, Phase.DOWNLOADING, 50, 200), Layer(B, Phase.WAITING), Layer(A, Phase.DONE)]

    assert layers_of(told) == (Layer(A, Phase.DONE, 200, 200), Layer(B, Phase.WAITING))


def test_a_large_layer_counts_for_more_and_one_of_unknown_size_as_the_average() -> None:
    large, small = Layer(A, Phase.DOWNLOADING, 0, 900), Layer(B, Phase.DONE, 100, 100)

    assert percent_of([large, small]) == 10
    assert percent_of([small, Layer(A, Phase.WAITING)]) == 50
    assert percent_of([]) == 0


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            {
                "id": A,
                "parent_id": "openclaw",
                "text": "Downloading",
                "status": "[>   ]  36.61kB/3.001MB",
                "current": 36611,
                "total": 3001169,
                "percent": 1,
            },
            Layer(A, Phase.DOWNLOADING, 36611, 3001169),
        ),
        (
            {"id": A, "parent_id": "openclaw", "text": "Pull complete", "percent": 100},
            Layer(A, Phase.DONE),
        ),
        ({"id": "openclaw", "text": "Pulling"}, "openclaw Pulling"),
        ({"id": "Container x-openclaw-1", "status": "Created"}, "Container x-openclaw-1 Created"),
        (
            {"error": True, "message": "Error response from daemon: manifest unknown"},
            "Error response from daemon: manifest unknown",
        ),
    ],
)
def test_what_compose_says_is_told(event: dict[str, object], told: str | Layer) -> None:
    """Recorded from Compose 2.40 with --progress json."""
    assert told_by(json.dumps(event)) == told


@pytest.mark.parametrize("line", ["", "plain", "{not json", "[1]", "{}", '{"id": {}}', "{" * 5000])
def test_what_is_no_event_is_told_as_it_stands(line: str) -> None:
    assert told_by(line) == line


@given(st.text())
def test_any_line_is_told(line: str) -> None:
    assert told_by(line) == line or line.startswith("{")


def test_the_words_of_an_output_are_those_that_are_not_of_layers() -> None:
    output = "\n".join(
        [
            json.dumps({"id": A, "parent_id": "openclaw", "text": "Waiting"}),
            json.dumps({"id": "openclaw", "text": "Error", "status": "EOF"}),
            "exit status 1",
        ]
    )

    assert words_in(output) == "openclaw Error EOF\nexit status 1"
