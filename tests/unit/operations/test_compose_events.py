"""Compose's JSON progress is parsed into text, layers and steps."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.operations.compose_events import Line, read_line, text_of
from app.core.operations.layers import Layer, Phase
from app.core.operations.steps import Step

A = "7df4b48abd32"


@pytest.mark.parametrize(
    ("event", "read"),
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
        ({"id": "openclaw", "text": "Pulling"}, Line("openclaw Pulling")),
        (
            {"id": "Container x-openclaw-1", "status": "Created"},
            Line("Container x-openclaw-1 Created"),
        ),
        (
            {"error": True, "message": "Error response from daemon: manifest unknown"},
            Line("Error response from daemon: manifest unknown"),
        ),
        (
            {"id": "Container x-openclaw-1", "status": "Starting"},
            Line("Container x-openclaw-1 Starting", Step.START),
        ),
    ],
)
def test_an_event_of_compose_is_parsed(event: dict[str, object], read: Line | Layer) -> None:
    """The events are recordings of Compose 2.40 with `--progress json`."""
    assert read_line(json.dumps(event)) == read


@pytest.mark.parametrize("line", ["", "plain", "{not json", "[1]", "{}", '{"id": {}}', "{" * 5000])
def test_a_line_that_is_not_a_compose_event_is_kept_as_text(line: str) -> None:
    assert read_line(line) == Line(line)


@given(st.text())
def test_any_line_is_parsed(line: str) -> None:
    assert read_line(line) == Line(line) or line.startswith("{")


def test_the_output_text_has_no_layer_lines() -> None:
    output = "\n".join(
        [
            json.dumps({"id": A, "parent_id": "openclaw", "text": "Waiting"}),
            json.dumps({"id": "openclaw", "text": "Error", "status": "EOF"}),
            "exit status 1",
        ]
    )

    assert text_of(output) == "openclaw Error EOF\nexit status 1"
