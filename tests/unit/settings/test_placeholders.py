"""Blanks: words in place of values, in whatever was made of them."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.settings.env_file import format_env
from app.core.settings.placeholders import Placeholders, PreviewPart


def test_a_blank_shows_its_words_wherever_it_stands() -> None:
    blanks = Placeholders()
    port, key = blanks.blank("a free port"), blanks.blank("••••")

    pieces = blanks.pieces_of(f"PORT={port}\nKEY={key}\nURL=http://h:{port}9")

    assert pieces == (
        PreviewPart("PORT="),
        PreviewPart("a free port", blank=True),
        PreviewPart("\nKEY="),
        PreviewPart("••••", blank=True),
        PreviewPart("\nURL=http://h:"),
        PreviewPart("a free port", blank=True),
        PreviewPart("9"),
    )


def test_no_file_puts_a_blank_in_quotes() -> None:
    value = Placeholders().blank("a free port")

    assert format_env({"PORT": value}) == f"PORT={value}\n"


@given(st.text())
def test_text_without_blanks_stays_as_it_is(text: str) -> None:
    assert "".join(piece.text for piece in Placeholders().pieces_of(text)) == text
