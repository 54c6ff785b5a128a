"""Placeholders: words in place of a value that is unknown yet or must not be shown."""

import re
import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PreviewPart:
    """A part of a text: ordinary text, or words in place of a value."""

    text: str
    is_placeholder: bool = False


class Placeholders:
    """Makes stand-in values for a file's text, and later shows words in place of the stand-ins.

    Stand-ins have only letters and digits, so that they need no quotes in a file. They are random,
    so that no real value is mistaken for a stand-in.
    """

    def __init__(self) -> None:
        self._nonce = secrets.token_hex(8)
        self._words: list[str] = []

    def stand_in(self, words: str) -> str:
        """Return a stand-in for a file's text; `parts_of` shows `words` in its place."""
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
