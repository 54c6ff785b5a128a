"""Make untrusted text safe to show: without escape sequences and control characters."""

import re

# ECMA-48: control sequences (colors, cursor), operating system commands (titles, links;
# ended by BEL or ST, here also by the line's end), and the other two-byte escapes.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
)
# Sequences that color text. Their numbers may have any length, so the pattern limits it.
_COLORS = re.compile(r"(\x1b\[[0-9;]{0,64}m)")
# Includes lone surrogates, which JSON can express but UTF-8 can't.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Marks that change the direction of the text around them.
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
LONGEST_LINE = 10_000


def is_plain(text: str) -> bool:
    """Return whether a text has no control characters and no marks that change its direction."""
    return not (_CONTROL.search(text) or _BIDI.search(text))


def plain(text: str) -> str:
    """Return `clean` text with long lines shortened."""
    return shorten(clean(text))


def clean(text: str) -> str:
    """Return text without escape sequences and control characters, except line feeds and tabs."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    return _BIDI.sub("\N{REPLACEMENT CHARACTER}", _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))


def clean_keeping_colors(text: str) -> str:
    """Return `clean` text that keeps its color sequences."""
    parts = _COLORS.split(text)
    parts[::2] = map(clean, parts[::2])
    return "".join(parts)


def shorten(text: str) -> str:
    """Cut long lines. Mask secrets first: a cut may split a secret."""
    return "\n".join(map(_shortened, text.split("\n")))


def _shortened(line: str) -> str:
    if len(line) <= LONGEST_LINE:
        return line
    return f"{line[:LONGEST_LINE]}… ({len(line) - LONGEST_LINE} characters left out)"


def lines_of(text: str) -> list[str]:
    """Return the lines of a text. Only a line feed ends a line, unlike with `splitlines`."""
    return text.removesuffix("\n").split("\n") if text else []
