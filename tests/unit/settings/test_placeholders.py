"""Blanks: words in place of values, in whatever was made of them."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.settings.env_file import format_env
from app.core.settings.placeholders import Blanks, Piece


def test_a_blank_shows_its_words_wherever_it_stands() -> None:
    blanks = Blanks()
    port, key = blanks.blank("a free port"), blanks.blank("••••")

    pieces = blanks.pieces_of(f"PORT={port}\nKEY={key}\nURL=http://h:{port}9")

    assert pieces == (
        Piece("PORT="),
        Piece("a free port", blank=True),
        Piece("\nKEY="),
        Piece("••••", blank=True),
        Piece("\nURL=http://h:"),
        Piece("a free port", blank=True),
        Piece("9"),
    )


def test_no_file_puts_a_blank_in_quotes() -> None:
    value = Blanks().blank("a free port")

    assert format_env({"PORT": value}) == f"PORT={value}\n"


@given(st.text())
def test_text_without_blanks_stays_as_it_is(text: str) -> None:
    assert "".join(piece.text for piece in Blanks().pieces_of(text)) == text
