"""Text of others, made harmless to show: no escape sequence, no control character."""

import re

# ECMA-48: control sequences (colours, cursor), operating system commands (titles,
# links; ended by BEL or ST, and by us at the line's end), and the other two-byte escapes.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
)
# Those that colour text. Short ones, since a number may have any length.
_COLOURS = re.compile(r"(\x1b\[[0-9;]{0,64}m)")
# A half of a pair, which JSON can name, is no character: it can't be sent to anybody.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Marks that turn the direction of the text around them.
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
LONGEST_LINE = 10_000


def is_plain(text: str) -> bool:
    """Return whether every character of a text is what it looks like."""
    return not (_CONTROL.search(text) or _BIDI.search(text))


def plain(text: str) -> str:
    """Return text whose every character is what it looks like, no line of it too long."""
    return shorten(clean(text))


def clean(text: str) -> str:
    """Return text whose every character is what it looks like; line ends and tabs stay."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    return _BIDI.sub("\N{REPLACEMENT CHARACTER}", _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))


def clean_keeping_colors(text: str) -> str:
    """Return what `clean` does, and the sequences that colour it."""
    parts = _COLOURS.split(text)
    parts[::2] = map(clean, parts[::2])
    return "".join(parts)


def shorten(text: str) -> str:
    """Cut the lines that are too long. What hides secrets must have done so before."""
    return "\n".join(map(_shortened, text.split("\n")))


def _shortened(line: str) -> str:
    if len(line) <= LONGEST_LINE:
        return line
    return f"{line[:LONGEST_LINE]}… ({len(line) - LONGEST_LINE} characters left out)"


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, ended by line feeds alone: `splitlines` knows ten other ends."""
    return text.removesuffix("\n").split("\n") if text else []
