"""Terminal colors become pieces of plain text with our class names; other codes are dropped."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.logs.terminal_colors import colored, without_prefix
from app.core.text import clean

_CLASSES = re.compile(r"(bold|dim|italic|underline|strike|reverse|in\d{1,2}|on\d{1,2}|)\Z")
hostile = st.text(
    st.characters(blacklist_characters="\n")
    | st.sampled_from("\x1b\x9b[]0134578;:mKH\\\x07\x08\r"),
    max_size=60,
)


@given(hostile)
@example("\x1b[" + "1" * 5000 + "mnumbers of any length")
@example("\x1b[38;5m\x1b[48;2;1m\x1b[38;9;9m\x1b[;;m\x1b[²m")
@example("\x1b]0;ti\x1b[31mtle\x07 \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\")
@example("10 %\r20 %")
def test_pieces_join_to_the_clean_text(text: str) -> None:
    pieces = colored(text)

    assert "".join(each.text for each in pieces) == clean(text)
    assert all(_CLASSES.match(name) for each in pieces for name in each.classes.split(" "))


@pytest.mark.parametrize(
    ("sequence", "classes"),
    [
        ("31", "in1"),
        ("1;97", "bold in7"),
        ("1;2;3;4;9", "bold dim italic underline strike"),
        ("44", "on4"),
        ("31;44", "on4"),
        ("38;5;196", "in1"),
        ("38;2;0;0;0", "in0"),
        ("48;2;0;90;200", "on4"),
        ("7", "reverse"),
        ("7;31", "on1"),
        ("5;8;73", ""),
        ("31;39", ""),
        ("31;0", ""),
    ],
)
def test_a_style_becomes_classes(sequence: str, classes: str) -> None:
    pieces = colored(f"a\x1b[{sequence}mb\x1b[mc")

    assert [each.classes for each in pieces if "b" in each.text] == [classes]


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"])), st.integers(0, 80))
def test_a_prefix_is_removed_across_pieces(text: str, length: int) -> None:
    pieces = colored(f"ab\x1b[31m{text}\x1b[0mcd")

    left = without_prefix(pieces, length)

    assert "".join(each.text for each in left) == "".join(each.text for each in pieces)[length:]
