"""Placeholders: words in place of a value that is not known yet or must not be shown."""

import re
import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PreviewPart:
    """A part of a text. A placeholder's text is words in place of a value."""

    text: str
    is_placeholder: bool = False


class Placeholders:
    """Makes stand-in values for the text of a file, and later shows words in their place.

    Stand-ins are letters and digits only, so they never cause quotes in a file, and random,
    so that no real value is mistaken for one.
    """

    def __init__(self) -> None:
        self._nonce = secrets.token_hex(8)
        self._words: list[str] = []

    def stand_in(self, words: str) -> str:
        """Return a value for a file's text; `parts_of` shows the words in its place."""
        self._words.append(words)
        return f"{self._nonce}{len(self._words) - 1:03d}"

    def parts_of(self, text: str) -> tuple[PreviewPart, ...]:
        """Return a text in parts, with words in place of every stand-in."""
        parts = re.split(rf"{self._nonce}(\d{{3}})", text)
        return tuple(
            PreviewPart(self._words[int(part)], is_placeholder=True)
            if index % 2
            else PreviewPart(part)
            for index, part in enumerate(parts)
            if part
        )
