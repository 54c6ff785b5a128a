"""The field schema: every setting of a deployment, described once.

The form, the API's `/schema`, the rules for input and the variables passed to
the gateway all come from here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, Literal
from zoneinfo import available_timezones

from app.core.envfile import value_problem
from app.core.text import is_plain

Group = Literal["auto", "mandatory", "optional"]
FieldType = Literal["string", "secret", "integer"]
Rule = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Field:
    """One setting: `name` in the API and the form, `env` in `.env`.

    `rule` returns what is wrong with a value, in words for the field's side,
    or None. `section` groups fields in the form. `reaches_gateway` says that
    the variable is passed into the container.
    """

    name: str
    env: str
    label: str
    help: str
    group: Group = "optional"
    type: FieldType = "string"
    section: str = "General"
    placeholder: str = ""
    link: str = ""
    constraints: Mapping[str, Any] = field(default_factory=dict)
    rule: Rule | None = None
    reaches_gateway: bool = False

    @property
    def secret(self) -> bool:
        return self.type == "secret"

    def described(self, default: str | None) -> dict[str, Any]:
        """Return the field as `/api/deploy/schema` shows it."""
        return {
            "name": self.name,
            "env": self.env,
            "label": self.label,
            "help": self.help,
            "type": self.type,
            "secret": self.secret,
            "default": default,
            **self.constraints,
        }


_IMAGE = re.compile(
    r"(?=.{1,255}\Z)(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?\Z"
)
_MEMORY = re.compile(r"([1-9][0-9]{0,11})(b|k|kb|m|mb|g|gb)\Z", re.IGNORECASE)
_UNITS = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]*(?:/[A-Za-z0-9._:@+-]+)+\Z")
_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:/[^\s?#@]*)?\Z")


def memory_bytes(text: str) -> int | None:
    """Return the bytes that Docker reads from `2g`, `1500m`, …; None where it is no size."""
    match = _MEMORY.match(text)
    return int(match[1]) * _UNITS[match[2][0].lower()] if match else None


def _name_rule(value: str) -> str | None:
    if len(value) > 80:
        return "must be at most 80 characters long"
    return None


def _image_rule(value: str) -> str | None:
    if not _IMAGE.match(value):
        return "must be an image's name such as ghcr.io/openclaw/openclaw:2026.9.6"
    return None


def _memory_rule(value: str) -> str | None:
    size = memory_bytes(value)
    if size is None:
        return "must be a size such as 2g or 1500m"
    if size < 32 * _UNITS["m"]:
        return "must be at least 32m; a gateway needs about 1g, better 2g"
    return None


def _model_rule(value: str) -> str | None:
    if not _MODEL.match(value):
        return "must be provider/model, such as openrouter/auto"
    return None


def _timezone_rule(value: str) -> str | None:
    if value not in available_timezones():
        return "must be a time zone's name, such as Europe/Berlin"
    return None


def _bind_rule(value: str) -> str | None:
    try:
        IPv4Address(value)
    except ValueError:
        return "must be one of this host's IPv4 addresses, such as 127.0.0.1 or 0.0.0.0"
    return None


def _url_rule(value: str) -> str | None:
    if not _URL.match(value):
        return "must be an http:// or https:// address without user, query or fragment"
    return None


def _secret(name: str, label: str, section: str, help: str = "", link: str = "") -> Field:
    return Field(
        name=name,
        env=name.upper(),
        label=label,
        help=help,
        type="secret",
        section=section,
        link=link,
        reaches_gateway=True,
    )


PORT = Field(
    name="port",
    env="PORT",
    label="Port",
    help="Where the gateway listens on this host. Leave it empty and a free one is picked.",
    group="auto",
    type="integer",
    constraints={"minimum": 1, "maximum": 65535},
)
TOKEN = Field(
    name="openclaw_gateway_token",
    env="OPENCLAW_GATEWAY_TOKEN",
    label="Gateway token",
    help="What a client shows to the gateway. Made by Deploy Agent, 256 random bits.",
    group="auto",
    type="secret",
)

FIELDS: tuple[Field, ...] = (
    PORT,
    TOKEN,
    Field(
        name="openrouter_api_key",
        env="OPENROUTER_API_KEY",
        label="OpenRouter API key",
        help="Pays for the model's answers. It starts with sk-or-v1- as a rule.",
        group="mandatory",
        type="secret",
        placeholder="sk-or-v1-…",
        link="https://openrouter.ai/keys",
        reaches_gateway=True,
    ),
    Field(
        name="name",
        env="DEPLOYMENT_NAME",
        label="Name",
        help="What people call this gateway, such as “Support bot”.",
        placeholder="Support bot",
        constraints={"maxLength": 80},
        rule=_name_rule,
    ),
    Field(
        name="model",
        env="OPENCLAW_MODEL",
        label="Model",
        help="The model that answers, as provider/model.",
        placeholder="openrouter/auto",
        section="Model",
        rule=_model_rule,
    ),
    Field(
        name="openrouter_base_url",
        env="OPENROUTER_BASE_URL",
        label="OpenRouter base URL",
        help="Only where a company proxy stands before OpenRouter.",
        placeholder="https://openrouter.ai/api/v1",
        section="Model",
        constraints={"format": "uri"},
        rule=_url_rule,
    ),
    Field(
        name="image",
        env="OPENCLAW_IMAGE",
        label="Image",
        help="The gateway's container image, with its tag or digest.",
        section="Container",
        rule=_image_rule,
    ),
    Field(
        name="memory_limit",
        env="MEMORY_LIMIT",
        label="Memory limit",
        help="The gateway idles at about 1 GB and is killed above the limit.",
        section="Container",
        rule=_memory_rule,
    ),
    Field(
        name="timezone",
        env="TZ",
        label="Time zone",
        help="For schedules and timestamps of the gateway.",
        placeholder="Europe/Berlin",
        section="Container",
        rule=_timezone_rule,
        reaches_gateway=True,
    ),
    Field(
        name="bind_address",
        env="BIND_ADDRESS",
        label="Published on",
        help="The host's address that the port is published on; empty means all of them.",
        placeholder="all addresses",
        section="Container",
        rule=_bind_rule,
    ),
    _secret("openai_api_key", "OpenAI API key", "Other providers"),
    _secret("anthropic_api_key", "Anthropic API key", "Other providers"),
    _secret("gemini_api_key", "Gemini API key", "Other providers"),
    _secret("zai_api_key", "Z.AI API key", "Other providers"),
    _secret("ai_gateway_api_key", "AI Gateway API key", "Other providers"),
    _secret("minimax_api_key", "MiniMax API key", "Other providers"),
    _secret(
        "telegram_bot_token",
        "Telegram bot token",
        "Channels",
        "One bot can serve one gateway only.",
        "https://core.telegram.org/bots#botfather",
    ),
    _secret("discord_bot_token", "Discord bot token", "Channels"),
    _secret("slack_bot_token", "Slack bot token", "Channels"),
    _secret("slack_app_token", "Slack app token", "Channels"),
    _secret("brave_api_key", "Brave Search API key", "Tools"),
    _secret("perplexity_api_key", "Perplexity API key", "Tools"),
    _secret("firecrawl_api_key", "Firecrawl API key", "Tools"),
    _secret("elevenlabs_api_key", "ElevenLabs API key", "Tools"),
    _secret("deepgram_api_key", "Deepgram API key", "Tools"),
)

BY_NAME: Mapping[str, Field] = {each.name: each for each in FIELDS}
BY_ENV: Mapping[str, Field] = {each.env: each for each in FIELDS}

# Digits of the longest number that is looked at: Python refuses to read or write thousands.
_LONGEST_NUMBER = 9

# A variable of these names is taken for a secret in a hand-written `.env` too.
_SECRET_NAME = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(?:_|\d|\Z)", re.IGNORECASE
)


def is_secret(env: str) -> bool:
    """Say whether a variable of `.env` holds a secret, known field or not."""
    known = BY_ENV.get(env)
    return known.secret if known else bool(_SECRET_NAME.search(env))


def schema(defaults: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Return the schema by group; `defaults` are by field name."""
    groups: dict[str, list[dict[str, Any]]] = {"auto": [], "mandatory": [], "optional": []}
    for each in FIELDS:
        groups[each.group].append(each.described(defaults.get(each.name)))
    return groups


@dataclass(frozen=True, slots=True)
class Checked:
    """Input after the rules: `values` by field name, `errors` by field name."""

    values: Mapping[str, str] = field(repr=False)
    errors: Mapping[str, str]


def check_input(given: Mapping[str, Any]) -> Checked:
    """Hold what a person or script gave against the schema, all fields at once.

    An optional field that is empty counts as not given. No message repeats a value.
    """
    values: dict[str, str] = {}
    errors: dict[str, str] = {}
    for name, raw in given.items():
        known = BY_NAME.get(name)
        if known is None:
            errors[name] = "is no field of a deployment"
        elif known is TOKEN:
            errors[name] = "is made by Deploy Agent and can't be given"
        elif isinstance(text := _as_text(known, raw), _Wrong):
            errors[name] = text.message
        elif text and (problem := _problem(known, text)):
            errors[name] = problem
        elif text:
            values[name] = text
    for each in FIELDS:
        if each.group == "mandatory" and each.name not in values:
            errors.setdefault(each.name, "is needed")
    return Checked(values, errors)


@dataclass(frozen=True, slots=True)
class _Wrong:
    message: str


def _as_text(known: Field, raw: Any) -> str | _Wrong:
    if raw is None:
        return ""
    if known.type == "integer":
        if isinstance(raw, int) and not isinstance(raw, bool):
            return str(raw) if abs(raw) < 10**_LONGEST_NUMBER else "9" * (_LONGEST_NUMBER + 1)
        if isinstance(raw, str) and re.fullmatch(r"\s*[0-9]*\s*", raw, re.ASCII):
            return raw.strip().lstrip("0") or raw.strip()[:1]
        return _Wrong("must be a whole number")
    if not isinstance(raw, str):
        return _Wrong("must be text")
    return raw if known.secret else raw.strip()


def _problem(known: Field, text: str) -> str | None:
    if problem := value_problem(text):
        return problem
    if any(character in text for character in "\n\r"):
        return "must be a single line"
    if known.type == "integer":
        return _range_problem(known, text)
    if known.secret and not text.strip():
        return "is needed" if known.group == "mandatory" else "must not be blank"
    if not known.secret and not is_plain(text):
        return "must not contain control characters"
    return known.rule(text) if known.rule else None


def _range_problem(known: Field, text: str) -> str | None:
    low, high = known.constraints["minimum"], known.constraints["maximum"]
    if len(text) > _LONGEST_NUMBER or not low <= int(text) <= high:
        return f"must be between {low} and {high}"
    return None
