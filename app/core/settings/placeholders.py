"""Text with blanks: words that stand where a value is not known yet, or not to be shown."""

import re
import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PreviewPart:
    """A stretch of a text; `blank` says that it stands for a value."""

    text: str
    blank: bool = False


class Placeholders:
    """Gives values that stand for words, and finds them again in what was made of them.

    They are plain letters and digits, so that no file needs quotes because of them,
    and random, so that nobody's value is taken for one.
    """

    def __init__(self) -> None:
        self._nonce = secrets.token_hex(8)
        self._words: list[str] = []

    def blank(self, words: str) -> str:
        """Return a value that stands for words."""
        self._words.append(words)
        return f"{self._nonce}{len(self._words) - 1:03d}"

    def pieces_of(self, text: str) -> tuple[PreviewPart, ...]:
        """Return a text in pieces, every blank as its words."""
        parts = re.split(rf"{self._nonce}(\d{{3}})", text)
        return tuple(
            PreviewPart(self._words[int(part)], blank=True) if index % 2 else PreviewPart(part)
            for index, part in enumerate(parts)
            if part
        )
