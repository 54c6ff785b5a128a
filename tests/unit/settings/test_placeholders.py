"""Placeholders replace values in a file's text."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.settings.env_file import format_env
from app.core.settings.placeholders import Placeholders, PreviewPart


def test_a_stand_in_shows_its_words_anywhere() -> None:
    placeholders = Placeholders()
    port, key = placeholders.stand_in("a free port"), placeholders.stand_in("••••")

    pieces = placeholders.parts_of(f"PORT={port}\nKEY={key}\nURL=http://h:{port}9")

    assert pieces == (
        PreviewPart("PORT="),
        PreviewPart("a free port", is_placeholder=True),
        PreviewPart("\nKEY="),
        PreviewPart("••••", is_placeholder=True),
        PreviewPart("\nURL=http://h:"),
        PreviewPart("a free port", is_placeholder=True),
        PreviewPart("9"),
    )


def test_a_stand_in_never_needs_quotes() -> None:
    value = Placeholders().stand_in("a free port")

    assert format_env({"PORT": value}) == f"PORT={value}\n"


@given(st.text())
def test_text_without_stand_ins_stays_as_it_is(text: str) -> None:
    assert "".join(piece.text for piece in Placeholders().parts_of(text)) == text
