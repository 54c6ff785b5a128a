"""Write and read a deployment's `.env`, so that Compose reads back exactly what we wrote.

Edits change one value and keep every other byte, so comments and order survive.
"""

import re
from collections.abc import Mapping
from contextlib import suppress

from app.core.settings.env_parser import (
    BYTE_ORDER_MARK,
    GO_SPACE,
    LINE_SPACE,
    EnvFileError,
    EnvParser,
    decode_env,
)

# Linux gives a process at most 128 KiB per variable, including the name, `=` and NUL.
MAX_VALUE_BYTES = 32 * 1024
# Far above any real `.env`, so that reading a file takes only milliseconds.
MAX_FILE_BYTES = 64 * 1024

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+,=-]*\Z")


def format_env(values: Mapping[str, str]) -> str:
    """Return the text of a `.env` that Compose reads back as exactly `values`.

    Raises EnvFileError if Compose can't represent a key or a value.
    """
    return "".join(f"{key}={_quoted(key, value)}\n" for key, value in values.items())


def with_value(data: bytes, key: str, value: str) -> bytes:
    """Return a `.env` with one value changed and every other byte unchanged.

    If the key occurs several times, the last one counts and is changed. If it is missing or
    has no `=`, a line is added at the end. Raises EnvFileError.
    """
    parser = EnvParser(decode_env(data), {})
    parser.parse()
    text, span = parser.text, parser.spans.get(key)
    if span:
        behind = text[span[1] :]
        # Without quotes, a comment right after `=` would be read as the value.
        written = _quoted(key, value) or ("''" if behind.partition("\n")[0].strip() else "")
        changed = text[: span[0]] + written + behind
    else:
        line_end = "" if not text or text.endswith("\n") else "\n"
        changed = f"{text}{line_end}{format_env({key: value})}"
    return _rewritten(data, changed, key, value)


def without_value(data: bytes, key: str) -> bytes:
    """Return a `.env` without a key, every other line unchanged.

    A comment behind the value stays. Raises EnvFileError.
    """
    parser = EnvParser(decode_env(data), {})
    parser.parse()
    text = parser.text
    for name, start, end in reversed(parser.statements):
        if name == key:
            text = _cut_out(text, start, end)
    return _rewritten(data, text, key, None)


def _cut_out(text: str, start: int, end: int) -> str:
    """Remove a statement from a text, and the whole line if nothing else is on that line."""
    line = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end) + 1 or len(text)
    before, after = text[line:start], text[end:line_end]
    if before.strip():
        return text[:start].rstrip(LINE_SPACE) + text[end:]
    return text[:line] + (after.lstrip(GO_SPACE) if after.strip() else "") + text[line_end:]


def _rewritten(data: bytes, text: str, key: str, value: str | None) -> bytes:
    """Return a changed text as bytes, after checking that the new value can be read back.

    Raises EnvFileError.
    """
    mark = BYTE_ORDER_MARK if data.decode().startswith(BYTE_ORDER_MARK) else ""
    result = (mark + text).encode()
    if parse_env(result).get(key) != value:
        raise EnvFileError(f"{key} can't be changed in place")
    return result


def value_problem(value: str) -> str | None:
    """Return why Compose can't pass this value unchanged to a container, or None."""
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
        raise EnvFileError(f"{key!r} is not a valid variable name")
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
    """Return the variables that Compose reads from a `.env`.

    `environment` supplies the values of a bare `KEY` line and of `${KEY}`. Raises EnvFileError,
    which names the line but no value.
    """
    return EnvParser(decode_env(data), environment or {}).parse()


def value_on_its_own_line(data: bytes, key: str) -> str | None:
    """Return a key's value from its own line, for a `.env` that is invalid elsewhere."""
    found = None
    for line in data.splitlines():
        with suppress(EnvFileError):
            found = parse_env(line).get(key, found)
    return found
