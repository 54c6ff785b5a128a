"""A parser for `.env` in exactly Compose's dialect.

Follows compose-go's `dotenv` package (Compose 2.40). The common Python readers differ
from it in about one value in ten, so the rules are written out here and tested against
`docker compose config` itself.
"""

import re
from collections.abc import Mapping

from app.core.settings.env_interpolation import InterpolationError, interpolate

# Windows editors put this mark before UTF-8 text.
BYTE_ORDER_MARK = "\ufeff"

# Go's unicode.IsSpace; Python's str.isspace() also takes the separators \x1c to \x1f.
GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
LINE_SPACE = "\t\v\f\r \x85\xa0"

_KEY_END = re.compile("[=:\n]")
# Names may have letters and digits of any script, as in Go.
_NOT_IN_NAME = re.compile(rf"[^\w.\-\[\]{LINE_SPACE}]")
_EXPORT = re.compile(r"export[\t\n\f\r ]+")
_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-9]{0,3})')
_ESCAPED = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    '"': '"', "\\": "\\", "$": "$$",
}  # fmt: skip


class EnvFileError(ValueError):
    """A `.env` that Compose rejects. The message never contains a value."""


def decode_env(data: bytes) -> str:
    """Return the text of a `.env` without its byte order mark. Raises EnvFileError."""
    try:
        return data.decode().removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError:
        raise EnvFileError("the file is not UTF-8 text") from None


class EnvParser:
    """compose-go's parser, one statement at a time; `rest` is the unread text."""

    def __init__(self, text: str, environment: Mapping[str, str]) -> None:
        self.text = text
        self.rest = text
        self.environment = environment
        self.values: dict[str, str] = {}
        # The position of each key's last value in the text, quotes included. Compose uses the last
        # value.
        self.spans: dict[str, tuple[int, int]] = {}
        # Every key with a value, in order, and the position of the key's statement.
        self.statements: list[tuple[str, int, int]] = []

    def parse(self) -> dict[str, str]:
        while self._skip_to_statement():
            line, begin = self._line(), self._position()
            key, inherited = self._key(line)
            if inherited:
                if key in self.environment:
                    self.values[key] = self.environment[key]
                continue
            start = self._position()
            self.values[key] = self._value(line)
            self.spans[key] = (start, start + len(self._written(start)))
            self.statements.append((key, begin, self.spans[key][1]))
        return self.values

    def _position(self) -> int:
        return len(self.text) - len(self.rest)

    def _written(self, start: int) -> str:
        """Return the source text of the value that was just read."""
        written = self.text[start : self._position()]
        if written.startswith(("'", '"')):
            return written
        return written.partition("\n")[0].partition(" #")[0].rstrip(GO_SPACE)

    def _line(self) -> int:
        return self.text.count("\n", 0, self._position()) + 1

    def _skip_to_statement(self) -> bool:
        self.rest = self.rest.lstrip(GO_SPACE)
        while self.rest.startswith("#"):
            _, _, self.rest = self.rest.partition("\n")
            self.rest = self.rest.lstrip(GO_SPACE)
        return bool(self.rest)

    def _key(self, line: int) -> tuple[str, bool]:
        """Read a key up to `=`, `:` or the line end. Return the key and whether it has no value."""
        source = self.rest
        if _EXPORT.match(source):
            source = source.removeprefix("export").lstrip(LINE_SPACE)
        end = _KEY_END.search(source)
        key, offset = (source[: end.start()], end.end()) if end else ("", 0)
        inherited = bool(end and end[0] == "\n")
        if _NOT_IN_NAME.search(key if end else source):
            raise EnvFileError(f"line {line}: the variable's name has an unexpected character")
        if not source:
            raise EnvFileError(f"line {line}: the variable's name is missing")
        key = key.rstrip(GO_SPACE)
        if " " in key:
            raise EnvFileError(f"line {line}: the variable's name contains a space")
        self.rest = source[offset:].lstrip(LINE_SPACE)
        if not key and offset == 0:
            # compose-go reads a bare name at the end of the file, without a line end, as
            # the value of an empty key.
            return "", False
        return key, inherited

    def _value(self, line: int) -> str:
        quote = self.rest[:1]
        if quote not in ("'", '"') or not quote:
            value, _, self.rest = self.rest.partition("\n")
            value = value.partition(" #")[0].rstrip(GO_SPACE)
            return self._expand(value, line)
        body = self._quoted_body(quote, line)
        if quote == "'":
            return body
        return self._expand(_ESCAPE.sub(_unescape, body), line)

    def _quoted_body(self, quote: str, line: int) -> str:
        """Read up to the closing quote. Only an escaped quote loses its backslash here."""
        characters: list[str] = []
        escaping = False
        for position, character in enumerate(self.rest[1:], start=1):
            if character == quote and not escaping:
                self.rest = self.rest[position + 1 :]
                return "".join(characters)
            if character == "\\" and not escaping:
                escaping = True
                continue
            if escaping and character != quote:
                characters.append("\\")
            escaping = False
            characters.append(character)
        raise EnvFileError(f"line {line}: a quoted value is not closed")

    def _expand(self, value: str, line: int) -> str:
        def lookup(name: str) -> str | None:
            return self.environment.get(name, self.values.get(name))

        try:
            return interpolate(value, lookup)
        except InterpolationError as error:
            raise EnvFileError(f"line {line}: {error}") from None
        except RecursionError:
            raise EnvFileError(f"line {line}: expressions are nested too deeply") from None


def _unescape(match: re.Match[str]) -> str:
    escape = match[0][1:]
    if escape.startswith("0"):
        # Go reads exactly three octal digits. Otherwise Compose still removes the zero.
        digits = escape[1:]
        octal = re.fullmatch("[0-3][0-7]{2}", digits)
        return chr(int(digits, 8)) if octal else f"\\{digits}"
    return _ESCAPED.get(escape, match[0])
