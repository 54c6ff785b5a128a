"""Rules for the values of fields. A rule returns what is wrong, or None."""

import re
from functools import cache
from ipaddress import IPv4Address
from zoneinfo import available_timezones

_IMAGE = re.compile(
    r"(?=.{1,255}\Z)(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?\Z"
)
_MEMORY = re.compile(r"([1-9][0-9]{0,11})(b|k|kb|m|mb|g|gb)\Z", re.IGNORECASE)
_UNITS = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]*(?:/[A-Za-z0-9._:@+-]+)+\Z")
_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:/[^\s?#@]*)?\Z")
LONGEST_NAME = 80


def memory_bytes(text: str) -> int | None:
    """Return the bytes that Docker reads from `2g`, `1500m`, …, or None for anything else."""
    match = _MEMORY.match(text)
    return int(match[1]) * _UNITS[match[2][0].lower()] if match else None


def more_memory(text: str) -> str:
    """Return a memory limit above the reached limit: 1.5 times as much, but at least 2g."""
    enough = 2 * _UNITS["g"]
    size = memory_bytes(text) or enough
    return "2g" if size < enough else f"{size * 3 // 2 // _UNITS['m']}m"


@cache
def timezones() -> tuple[str, ...]:
    """Return the names of all time zones. Cached: collecting them reads hundreds of files."""
    return tuple(sorted(available_timezones()))


def name_rule(value: str) -> str | None:
    if len(value) > LONGEST_NAME:
        return f"must be at most {LONGEST_NAME} characters long"
    return None


def image_rule(value: str) -> str | None:
    if not _IMAGE.match(value):
        return "must be an image name such as ghcr.io/openclaw/openclaw:2026.9.6"
    return None


def memory_rule(value: str) -> str | None:
    size = memory_bytes(value)
    if size is None:
        return "must be a size such as 2g or 1500m"
    if size < 32 * _UNITS["m"]:
        return "must be at least 32m; a gateway needs about 1g, and 2g is better"
    return None


def model_rule(value: str) -> str | None:
    if not _MODEL.match(value):
        return "must be provider/model, such as openrouter/auto"
    return None


def timezone_rule(value: str) -> str | None:
    if value not in timezones():
        return "must be the name of a time zone, such as Europe/Berlin"
    return None


def bind_rule(value: str) -> str | None:
    try:
        IPv4Address(value)
    except ValueError:
        return "must be one of this host's IPv4 addresses, such as 127.0.0.1 or 0.0.0.0"
    return None


def url_rule(value: str) -> str | None:
    if not _URL.match(value):
        return "must be an http:// or https:// address without a user, query or fragment"
    return None
