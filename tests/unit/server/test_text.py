"""Foreign text is made harmless: it can't move, hide or reverse other text."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.text import LONGEST_LINE, is_plain, lines_of, plain

# The characters with the Unicode property Bidi_Control.
TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
hostile = st.text(
    st.characters() | st.sampled_from("\x1b\x9b[]0123;mKHJ\\\x07\x08\r\n\t" + TURNING), max_size=60
)


@given(hostile)
@example("\x1b]0;title\x07x\x1b[2J\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\x1bc\x1b")
@example("".join(map(chr, range(0xA0))) + TURNING)
@example("half a pair: \ud83d")
def test_no_control_character_survives(text: str) -> None:
    shown = plain(text)

    assert not [each for each in shown if unicodedata.category(each) == "Cc" and each not in "\n\t"]
    assert not set(shown) & set(TURNING)
    assert shown.encode().decode() == shown
    assert is_plain(shown)
    assert is_plain(text) == (plain(text) == text.replace("\r\n", "\n") == text)


@given(hostile)
@example("before\n\x1b]0;a title without an end\nafter")
@example("a\x1bPq\nb\nc")
def test_every_line_stays_a_line(text: str) -> None:
    assert plain(text).count("\n") == text.count("\n")


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"], blacklist_characters=TURNING)))
def test_ordinary_text_of_any_script_is_unchanged(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[38;5;196mred\x1b[m \x1b[2K\x1b[1A", "red "),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://host\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\text", "text"),
        ("\x1b(Btext\x1bc", "text"),
        ("\x1b\x1b[31m[31mtext", "[31mtext"),
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("tab\tstays", "tab\tstays"),
        ("10%\r20%", "10%\ufffd20%"),
        ("bell\x07 back\x08 del\x7f c1\x9b31m", "bell\ufffd back\ufffd del\ufffd c1\ufffd31m"),
        ("user\u202egpj.exe", "user\ufffdgpj.exe"),
        ("", ""),
    ],
)
def test_escape_sequences_are_removed_and_the_rest_is_visible(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_an_endless_line_is_cut_and_says_by_how_much() -> None:
    long = "x" * (LONGEST_LINE + 5)

    shown = plain(f"{long}\nshort")

    assert shown == "x" * LONGEST_LINE + "… (5 characters left out)\nshort"
    assert plain("x" * LONGEST_LINE) == "x" * LONGEST_LINE


def test_only_a_line_feed_ends_a_line() -> None:
    assert lines_of("a\u2028b\nc\x0bd\n") == ["a\u2028b", "c\x0bd"]
    assert lines_of("a\n\nb") == ["a", "", "b"]
    assert lines_of("") == []
