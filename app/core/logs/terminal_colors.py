"""Colours of terminals as class names: what a program painted, in pieces of plain text.

Rich reads the colour sequences and knows the nearest of the sixteen colours. A library
that writes HTML (ansi2html) would leave us to trust its markup, makes links of what a
gateway wrote, and puts other colours into a style sheet of its own, which our content
policy refuses.
"""

from typing import NamedTuple

from rich.ansi import AnsiDecoder
from rich.color import Color, ColorSystem
from rich.style import Style

from app.core.text import clean_keeping_colors

ESCAPE = "\x1b"
_ATTRIBUTES = ("bold", "dim", "italic", "underline", "strike")


class ColoredText(NamedTuple):
    """Text in one look; `classes` is empty where it looks like the rest of its line."""

    text: str
    classes: str = ""


def colored(line: str) -> list[ColoredText]:
    """Return a line in pieces; together they are what `clean` makes of it."""
    read = AnsiDecoder().decode_line(clean_keeping_colors(line))
    pieces, end = [], 0
    for span in read.spans:
        if span.start > end:
            pieces.append(ColoredText(read.plain[end : span.start]))
        assert isinstance(span.style, Style)
        pieces.append(ColoredText(read.plain[span.start : span.end], _classes(span.style)))
        end = span.end
    if end < len(read.plain):
        pieces.append(ColoredText(read.plain[end:]))
    return pieces


def without_prefix(pieces: list[ColoredText], length: int) -> list[ColoredText]:
    """Return pieces without their first characters."""
    left = []
    for text, classes in pieces:
        if len(text) > length:
            left.append(ColoredText(text[length:], classes))
        length = max(0, length - len(text))
    return left


def _classes(style: Style) -> str:
    """Return a look's classes: a ground has its own readable colour of text."""
    front, ground = _number(style.color), _number(style.bgcolor)
    if style.reverse:
        front, ground = ground, front
    classes = [name for name in _ATTRIBUTES if getattr(style, name)]
    if ground is not None:
        classes.append(f"on{ground}")
    elif style.reverse:
        classes.append("reverse")
    elif front is not None:
        classes.append(f"in{front}")
    return " ".join(classes)


def _number(colour: Color | None) -> int | None:
    if colour is None or colour.is_default:
        return None
    number = colour.downgrade(ColorSystem.STANDARD).number
    # The bright eight look as the others: what can be read on a page is neither.
    return None if number is None else number % 8
