"""Redaction of text that leaves this host: hide anything that looks like a secret."""

import re
from collections.abc import Mapping

from app.core.secrets import MASK
from app.core.settings.fields import is_secret

# Keys in the formats of providers and chat services.
_KEY_LIKE = re.compile(
    r"\b(?:sk|pk|rk|da|xox[a-z]|xapp|gh[a-z]|github_pat|glpat|hf|AIza|AKIA)[-_]?[A-Za-z0-9][\w-]{15,}"
    r"|\b\d{8,10}:[\w-]{30,}"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
)
# A value behind a word such as `token=`.
_NAMED = re.compile(
    r"(?i)((?:bearer\s+|[#?&](?:token|key|secret|password)=|://[^/\s:@]*:))([^\s\"'&@]{6,})"
)
_ASSIGNED = re.compile(r"""(?m)(["']?)([A-Za-z_][\w.-]*)\1(\s*[:=][ \t]*)(?!\$\{)(\S.*)$""")


def redacted(text: str) -> str:
    """Hide what looks like a secret. Known secrets are masked by their values before this."""
    return _NAMED.sub(rf"\1{MASK}", _KEY_LIKE.sub(MASK, text))


def redacted_file(text: str) -> str:
    """Hide the values in a configuration file whose names look like a secret's."""
    return redacted(_ASSIGNED.sub(_assigned, text))


def _assigned(match: re.Match[str]) -> str:
    quote, name, between, _ = match.groups()
    return f"{quote}{name}{quote}{between}{MASK}" if is_secret(name.upper()) else match[0]


def redacted_env(env: Mapping[str, str]) -> str:
    """Return a `.env` with all keys, but with secret values masked."""
    lines = (f"{key}={MASK if is_secret(key) and value else value}\n" for key, value in env.items())
    return redacted("".join(lines))
