"""What leaves the house: secrets hidden by where they stand and how they look, known or not."""

import re
from collections.abc import Mapping

from app.core.secrets import MASK
from app.core.settings.fields import is_secret

# What providers and chat services give out, and what stands behind a word for a secret.
_KEY_LIKE = re.compile(
    r"\b(?:sk|pk|rk|da|xox[a-z]|xapp|gh[a-z]|github_pat|glpat|hf|AIza|AKIA)[-_]?[A-Za-z0-9][\w-]{15,}"
    r"|\b\d{8,10}:[\w-]{30,}"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
)
_NAMED = re.compile(
    r"(?i)((?:bearer\s+|[#?&](?:token|key|secret|password)=|://[^/\s:@]*:))([^\s\"'&@]{6,})"
)
_ASSIGNED = re.compile(r"""(?m)(["']?)([A-Za-z_][\w.-]*)\1(\s*[:=][ \t]*)(?!\$\{)(\S.*)$""")


def redacted(text: str) -> str:
    """Hide what looks like a secret; what is known to be one is hidden by its value before."""
    return _NAMED.sub(rf"\1{MASK}", _KEY_LIKE.sub(MASK, text))


def redacted_file(text: str) -> str:
    """Hide the values of all lines of a configuration file that are named like secrets."""
    return redacted(_ASSIGNED.sub(_assigned, text))


def _assigned(match: re.Match[str]) -> str:
    quote, name, between, _ = match.groups()
    return f"{quote}{name}{quote}{between}{MASK}" if is_secret(name.upper()) else match[0]


def redacted_env(env: Mapping[str, str]) -> str:
    """Return all keys of a `.env`, and the values that are no secret."""
    lines = (f"{key}={MASK if is_secret(key) and value else value}\n" for key, value in env.items())
    return redacted("".join(lines))
