"""Terminal colors as CSS class names.

Rich parses the color sequences and finds the nearest of the sixteen colors. A library that
writes HTML, such as ansi2html, would make us trust its markup, turns a gateway's text into
links, and needs inline styles, which our content security policy blocks.
"""

from typing import NamedTuple

from rich.ansi import AnsiDecoder
from rich.color import Color, ColorSystem
from rich.style import Style

from app.core.text import clean_keeping_colors

ESCAPE = "\x1b"
_ATTRIBUTES = ("bold", "dim", "italic", "underline", "strike")


class ColoredText(NamedTuple):
    """Text in one style. `classes` are CSS classes, empty for the default style."""

    text: str
    classes: str = ""


def colored(line: str) -> list[ColoredText]:
    """Return a line in pieces by style. The joined texts of the pieces equal `clean(line)`."""
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
    """Return pieces without their first `length` characters."""
    left = []
    for text, classes in pieces:
        if len(text) > length:
            left.append(ColoredText(text[length:], classes))
        length = max(0, length - len(text))
    return left


def _classes(style: Style) -> str:
    """Return the CSS classes of a style. Each background has its own readable text color."""
    foreground, background = _number(style.color), _number(style.bgcolor)
    if style.reverse:
        foreground, background = background, foreground
    classes = [name for name in _ATTRIBUTES if getattr(style, name)]
    if background is not None:
        classes.append(f"on{background}")
    elif style.reverse:
        classes.append("reverse")
    elif foreground is not None:
        classes.append(f"in{foreground}")
    return " ".join(classes)


def _number(color: Color | None) -> int | None:
    if color is None or color.is_default:
        return None
    number = color.downgrade(ColorSystem.STANDARD).number
    # Bright colors get the classes of normal colors: the page has its own readable shades.
    return None if number is None else number % 8
