"""The `.env` file in exactly Compose's dialect: what Compose reads, and what we write for it.

Rests on compose-go's `dotenv` and `template` packages (Compose 2.40). The
common Python readers differ from it in about one value in ten, so the rules
stand here and are tested against `docker compose config` itself.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress

# Linux hands a process one variable of at most 128 KiB; a key, `=` and NUL share it.
MAX_VALUE_BYTES = 32 * 1024
# No `.env` of a person comes near, and reading stays a matter of milliseconds.
MAX_FILE_BYTES = 64 * 1024

# What Windows' editors put before UTF-8.
_MARK = "\ufeff"
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+,=-]*\Z")

# Go's unicode.IsSpace; Python's str.isspace() also takes the separators \x1c to \x1f.
_GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_LINE_SPACE = "\t\v\f\r \x85\xa0"

_KEY_END = re.compile("[=:\n]")
# Letters and numbers of all scripts, as Go counts them.
_NO_NAME = re.compile(rf"[^\w.\-\[\]{_LINE_SPACE}]")
_EXPORT = re.compile(r"export[\t\n\f\r ]+")
_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-9]{0,3})')
_ESCAPED = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    '"': '"', "\\": "\\", "$": "$$",
}  # fmt: skip
_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)"
    r"|(?P<named>[_a-z][_a-z0-9]*)"
    r"|\{(?:(?P<braced>[_a-z][_a-z0-9]*(?::?[-+?].*)?)\}|(?P<invalid>)))",
    re.IGNORECASE | re.ASCII,
)
_OPERATOR = re.compile(r":\?|\?|:-|-|:\+|\+")

Lookup = Callable[[str], str | None]


class EnvFileError(ValueError):
    """The text is no `.env` that Compose takes. The message never holds a value."""


def format_env(values: Mapping[str, str]) -> str:
    """Return the text of a `.env` that Compose reads back as exactly `values`.

    Raises EnvFileError where Compose can't hold a key or a value.
    """
    return "".join(f"{key}={_quoted(key, value)}\n" for key, value in values.items())


def with_value(data: bytes, key: str, value: str) -> bytes:
    """Return a `.env` with one value changed, every other byte as it was.

    Where the key stands more than once, the last counts and is the one that is
    changed; where it stands nowhere or alone on its line, it is added at the end.
    Raises EnvFileError.
    """
    parser = _Parser(_text_of(data), {})
    parser.parse()
    text, span = parser.text, parser.spans.get(key)
    if span:
        behind = text[span[1] :]
        # A comment right behind the sign would be read as the value.
        written = _quoted(key, value) or ("''" if behind.partition("\n")[0].strip() else "")
        changed = text[: span[0]] + written + behind
    else:
        line_end = "" if not text or text.endswith("\n") else "\n"
        changed = f"{text}{line_end}{format_env({key: value})}"
    return _rewritten(data, changed, key, value)


def without_value(data: bytes, key: str) -> bytes:
    """Return a `.env` in which a key has no value any more, every other line as it was.

    A comment behind the value stays. Raises EnvFileError.
    """
    parser = _Parser(_text_of(data), {})
    parser.parse()
    text = parser.text
    for name, start, end in reversed(parser.statements):
        if name == key:
            text = _cut_out(text, start, end)
    return _rewritten(data, text, key, None)


def _cut_out(text: str, start: int, end: int) -> str:
    """Take a statement out of a text, and its line where nothing else stands on it."""
    line = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end) + 1 or len(text)
    before, after = text[line:start], text[end:line_end]
    if before.strip():
        return text[:start].rstrip(_LINE_SPACE) + text[end:]
    return text[:line] + (after.lstrip(_GO_SPACE) if after.strip() else "") + text[line_end:]


def _rewritten(data: bytes, text: str, key: str, value: str | None) -> bytes:
    """Return the bytes of a changed text, once Compose is sure to read the value from them."""
    mark = _MARK if data.decode().startswith(_MARK) else ""
    result = (mark + text).encode()
    if parse_env(result).get(key) != value:
        raise EnvFileError(f"{key} can't be changed where it stands")
    return result


def value_problem(value: str) -> str | None:
    """Return why Compose can't carry this value unchanged into a container, or None."""
    if "\0" in value:
        return "must not contain a NUL byte"
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "must be valid Unicode text"
    if size > MAX_VALUE_BYTES:
        return f"must be at most {MAX_VALUE_BYTES // 1024} KiB long"
    return None


def _quoted(key: str, value: str) -> str:
    if not _KEY.match(key):
        raise EnvFileError(f"{key!r} is no name for a variable")
    if problem := value_problem(value):
        raise EnvFileError(f"{key} {problem}")
    if _BARE.match(value):
        return value
    if not any(character in value for character in "'\\\n\r"):
        return f"'{value}'"
    for plain, escaped in (
        ("\\", "\\\\"),
        ('"', '\\"'),
        ("$", "\\$"),
        ("\n", "\\n"),
        ("\r", "\\r"),
    ):
        value = value.replace(plain, escaped)
    return f'"{value}"'


def parse_env(data: bytes, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that Compose reads from a `.env` file's bytes.

    `environment` is what a bare `KEY` line and `${KEY}` fall back to.
    Raises EnvFileError, naming the line but no value.
    """
    return _Parser(_text_of(data), environment or {}).parse()


def value_on_its_own_line(data: bytes, key: str) -> str | None:
    """Return a value of a `.env` that can't be understood as a whole, where its own line can."""
    found = None
    for line in data.splitlines():
        with suppress(EnvFileError):
            found = parse_env(line).get(key, found)
    return found


def _text_of(data: bytes) -> str:
    try:
        return data.decode().removeprefix(_MARK)
    except UnicodeDecodeError:
        raise EnvFileError("the file is not UTF-8 text") from None


class _Parser:
    """compose-go's parser, statement by statement; `rest` is the text still to read."""

    def __init__(self, text: str, environment: Mapping[str, str]) -> None:
        self.text = text
        self.rest = text
        self.environment = environment
        self.values: dict[str, str] = {}
        # Where the value that counts stands in the text, its quotes included.
        self.spans: dict[str, tuple[int, int]] = {}
        # Every key with a value, in order, and where its statement stands.
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
        """Return a value that was just read as it stands in the text."""
        written = self.text[start : self._position()]
        if written.startswith(("'", '"')):
            return written
        return written.partition("\n")[0].partition(" #")[0].rstrip(_GO_SPACE)

    def _line(self) -> int:
        return self.text.count("\n", 0, self._position()) + 1

    def _skip_to_statement(self) -> bool:
        self.rest = self.rest.lstrip(_GO_SPACE)
        while self.rest.startswith("#"):
            _, _, self.rest = self.rest.partition("\n")
            self.rest = self.rest.lstrip(_GO_SPACE)
        return bool(self.rest)

    def _key(self, line: int) -> tuple[str, bool]:
        """Read up to the first `=`, `:` or line end; return the key and whether it stood alone."""
        source = self.rest
        if _EXPORT.match(source):
            source = source.removeprefix("export").lstrip(_LINE_SPACE)
        end = _KEY_END.search(source)
        key, offset = (source[: end.start()], end.end()) if end else ("", 0)
        inherited = bool(end and end[0] == "\n")
        if _NO_NAME.search(key if end else source):
            raise EnvFileError(f"line {line}: a variable's name has an unexpected character")
        if not source:
            raise EnvFileError(f"line {line}: a variable's name is missing")
        key = key.rstrip(_GO_SPACE)
        if " " in key:
            raise EnvFileError(f"line {line}: a variable's name has a space in it")
        self.rest = source[offset:].lstrip(_LINE_SPACE)
        if not key and offset == 0:
            # A last line of a bare name without a line end: compose-go reads it as
            # the value of an empty key, and so comes to an end.
            return "", False
        return key, inherited

    def _value(self, line: int) -> str:
        quote = self.rest[:1]
        if quote not in ("'", '"') or not quote:
            value, _, self.rest = self.rest.partition("\n")
            value = value.partition(" #")[0].rstrip(_GO_SPACE)
            return self._expand(value, line)
        body = self._quoted_body(quote, line)
        if quote == "'":
            return body
        return self._expand(_ESCAPE.sub(_unescape, body), line)

    def _quoted_body(self, quote: str, line: int) -> str:
        """Read to the closing quote; only an escaped quote loses its backslash here."""
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
            return _substitute(value, lookup)
        except EnvFileError as error:
            raise EnvFileError(f"line {line}: {error}") from None
        except RecursionError:
            raise EnvFileError(f"line {line}: its expressions are nested too deeply") from None


def _unescape(match: re.Match[str]) -> str:
    escape = match[0][1:]
    if escape.startswith("0"):
        # Go reads exactly three octal digits; Compose takes the zero away all the same.
        digits = escape[1:]
        octal = re.fullmatch("[0-3][0-7]{2}", digits)
        return chr(int(digits, 8)) if octal else f"\\{digits}"
    return _ESCAPED.get(escape, match[0])


def _substitute(template: str, lookup: Lookup) -> str:
    parts, position = [], 0
    while match := _VARIABLE.search(template, position):
        # A greedy `${…}` may hold more text behind its own brace, which is read next.
        closing = _closing_brace(match[0])
        end = match.end() if closing is None else match.start() + closing + 1
        parts += [
            template[position : match.start()],
            _replacement(template[match.start() : end], lookup),
        ]
        position = end
    return "".join(parts) + template[position:]


def _replacement(text: str, lookup: Lookup) -> str:
    """Return what stands for one `$…`."""
    match = _VARIABLE.match(text)
    if match is None or match["invalid"] is not None:
        raise EnvFileError("a ${…} expression is not closed or has no name")
    if match["escaped"]:
        return "$"
    if match["named"]:
        return lookup(match["named"]) or ""
    expression = match["braced"]
    operator = _OPERATOR.search(expression)
    if operator is None:
        return lookup(expression) or ""
    name, argument = expression[: operator.start()], expression[operator.end() :]
    return _with_operator(name, operator[0], _substitute(argument, lookup), lookup)


def _with_operator(name: str, operator: str, argument: str, lookup: Lookup) -> str:
    """Apply an operator; its argument comes expanded, since Compose does that also in vain."""
    value = lookup(name)
    present = value is not None and (value != "" or not operator.startswith(":"))
    match operator[-1]:
        case "-":
            return (value or "") if present else argument
        case "+":
            return argument if present else (value or "")
        case _:
            if not present:
                raise EnvFileError(f"the required variable {name} is missing a value")
            return value or ""


def _closing_brace(text: str) -> int | None:
    depth = 0
    skip = False
    for position, character in enumerate(text):
        if skip:
            skip = False
        elif character == "}":
            depth -= 1
            if depth == 0:
                return position
        elif character == "{":
            depth += 1
            skip = True
    return None
