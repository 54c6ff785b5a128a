"""The field schema: every setting of a deployment, described once.

The form, the API's `/schema`, the rules for input and the variables passed to
the gateway all come from here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.core.settings import field_rules as rules

Group = Literal["auto", "mandatory", "optional"]
FieldType = Literal["string", "secret", "integer"]
Rule = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class ValueHint:
    """What a value looks like as a rule. Who issues keys may change it: a hint, never a refusal."""

    pattern: re.Pattern[str]
    words: str


@dataclass(frozen=True, slots=True)
class Field:
    """One setting: `name` in the API and the form, `env` in `.env`.

    `rule` returns what is wrong with a value, in words for the field's side,
    or None. `section` groups fields in the form; `link` leads to where a value
    comes from. `serves_one` names what can serve one gateway only, such as a bot.
    `reaches_gateway` says that the variable is passed into the container.
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
    shape: ValueHint | None = None
    serves_one: str = ""
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

    def json_schema(self) -> dict[str, Any]:
        """Return the field as JSON Schema, for those who send it: null is taken as empty."""
        kinds: list[dict[str, Any]] = [{"type": "string"}]
        if self.type == "integer":
            kinds = [{"type": "integer"}, {"type": "string", "pattern": r"^\s*[0-9]*\s*$"}]
        kinds[0] |= self.constraints
        return {
            "anyOf": [*kinds, {"type": "null"}],
            "description": f"{self.label}. {self.help}",
            **({"examples": [self.placeholder]} if self.placeholder and not self.secret else {}),
            **({"writeOnly": True} if self.secret else {}),
        }


@dataclass(frozen=True, slots=True)
class Section:
    """A group of the form's optional fields: its title, and what it is about."""

    title: str
    about: str


# In the order in which a person meets them. The first is never folded.
SECTIONS = (
    Section("General", ""),
    Section("Model", "Which model answers, and by which way"),
    Section("Channels", "Telegram, Discord, Slack: where people write to it"),
    Section("Other providers", "Keys for models that don't come from OpenRouter"),
    Section("Tools", "Web search, voices, speech"),
    Section("Address", "The port, and from where it can be reached"),
    Section("Container", "Image, memory, time zone"),
)


def _hint(pattern: str, words: str) -> ValueHint:
    return ValueHint(re.compile(pattern), words)


def _secret(name: str, label: str, section: str, help: str, link: str, **more: Any) -> Field:
    return Field(
        name=name,
        env=name.upper(),
        label=label,
        help=help,
        type="secret",
        section=section,
        link=link,
        reaches_gateway=True,
        **more,
    )


PORT = Field(
    name="port",
    env="PORT",
    label="Port",
    help="Where the gateway listens on this host. Leave it empty and a free one is picked.",
    group="auto",
    type="integer",
    section="Address",
    placeholder="a free one",
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
NAME = Field(
    name="name",
    env="DEPLOYMENT_NAME",
    label="Name",
    help="What people call this gateway, in the list and in messages.",
    placeholder="Support bot",
    constraints={"maxLength": rules.LONGEST_NAME},
    rule=rules.name_rule,
)

FIELDS: tuple[Field, ...] = (
    PORT,
    TOKEN,
    Field(
        name="openrouter_api_key",
        env="OPENROUTER_API_KEY",
        label="OpenRouter API key",
        help="Pays for the model's answers, whichever model you choose.",
        group="mandatory",
        type="secret",
        placeholder="sk-or-v1-…",
        link="https://openrouter.ai/keys",
        shape=_hint(r"sk-or-v1-\S{50,}\Z", "is sk-or-v1- and some 64 characters"),
        reaches_gateway=True,
    ),
    NAME,
    Field(
        name="model",
        env="OPENCLAW_MODEL",
        label="Model",
        help="The model that answers, as provider/model. Anything but openrouter/… needs that"
        " provider's own key.",
        placeholder="openrouter/auto",
        section="Model",
        link="https://openrouter.ai/models",
        rule=rules.model_rule,
    ),
    Field(
        name="openrouter_base_url",
        env="OPENROUTER_BASE_URL",
        label="OpenRouter base URL",
        help="Only where a company proxy stands before OpenRouter.",
        placeholder="https://openrouter.ai/api/v1",
        section="Model",
        constraints={"format": "uri"},
        rule=rules.url_rule,
    ),
    _secret(
        "telegram_bot_token",
        "Telegram bot token",
        "Channels",
        "Send /newbot to BotFather, and it answers with the token. One bot serves one gateway.",
        "https://t.me/BotFather",
        placeholder="110201543:AAHdqTcvCH1…",
        shape=_hint(r"\d{6,}:[\w-]{35}\Z", "is a number, a colon and 35 characters"),
        serves_one="Telegram bot",
    ),
    _secret(
        "discord_bot_token",
        "Discord bot token",
        "Channels",
        "In your application, under Bot: Reset Token. One bot serves one gateway.",
        "https://discord.com/developers/applications",
        shape=_hint(r"[\w-]{18,}\.[\w-]{6,}\.[\w-]{25,}\Z", "has three parts with dots between"),
        serves_one="Discord bot",
    ),
    _secret(
        "slack_bot_token",
        "Slack bot token",
        "Channels",
        "In your app, under OAuth & Permissions. Slack needs the app token beside it.",
        "https://api.slack.com/apps",
        placeholder="xoxb-…",
        shape=_hint(r"xoxb-", "begins with xoxb-"),
        serves_one="Slack bot",
    ),
    _secret(
        "slack_app_token",
        "Slack app token",
        "Channels",
        "In your app, under Basic Information: an app-level token with connections:write.",
        "https://api.slack.com/apps",
        placeholder="xapp-…",
        shape=_hint(r"xapp-", "begins with xapp-"),
        serves_one="Slack app",
    ),
    _secret(
        "openai_api_key",
        "OpenAI API key",
        "Other providers",
        "For models called openai/…, paid to OpenAI.",
        "https://platform.openai.com/api-keys",
        placeholder="sk-…",
        shape=_hint(r"sk-(?!or-|ant-)", "begins with sk-"),
    ),
    _secret(
        "anthropic_api_key",
        "Anthropic API key",
        "Other providers",
        "For models called anthropic/…, paid to Anthropic.",
        "https://console.anthropic.com/settings/keys",
        placeholder="sk-ant-…",
        shape=_hint(r"sk-ant-", "begins with sk-ant-"),
    ),
    _secret(
        "gemini_api_key",
        "Gemini API key",
        "Other providers",
        "For models called google/…, from Google AI Studio.",
        "https://aistudio.google.com/apikey",
        placeholder="AIza…",
        shape=_hint(r"AIza|AQ\.", "begins with AIza or AQ."),
    ),
    _secret(
        "zai_api_key",
        "Z.AI API key",
        "Other providers",
        "For models called zai/…, such as GLM.",
        "https://z.ai/manage-apikey/apikey-list",
    ),
    _secret(
        "ai_gateway_api_key",
        "AI Gateway API key",
        "Other providers",
        "For models called vercel-ai-gateway/…, through Vercel.",
        "https://vercel.com/d?to=%2F%5Bteam%5D%2F%7E%2Fai-gateway%2Fapi-keys",
        placeholder="vck_…",
        shape=_hint(r"vck_", "begins with vck_"),
    ),
    _secret(
        "minimax_api_key",
        "MiniMax API key",
        "Other providers",
        "For models called minimax/….",
        "https://platform.minimax.io/user-center/basic-information/interface-key",
    ),
    _secret(
        "brave_api_key",
        "Brave Search API key",
        "Tools",
        "Lets the agent search the web with Brave.",
        "https://api-dashboard.search.brave.com/app/keys",
    ),
    _secret(
        "perplexity_api_key",
        "Perplexity API key",
        "Tools",
        "Lets the agent search the web with Perplexity.",
        "https://www.perplexity.ai/settings/api",
        placeholder="pplx-…",
        shape=_hint(r"pplx-", "begins with pplx-"),
    ),
    _secret(
        "firecrawl_api_key",
        "Firecrawl API key",
        "Tools",
        "Lets the agent read pages that need a browser.",
        "https://www.firecrawl.dev/app/api-keys",
        placeholder="fc-…",
        shape=_hint(r"fc-", "begins with fc-"),
    ),
    _secret(
        "elevenlabs_api_key",
        "ElevenLabs API key",
        "Tools",
        "Gives the agent a voice.",
        "https://elevenlabs.io/app/settings/api-keys",
    ),
    _secret(
        "deepgram_api_key",
        "Deepgram API key",
        "Tools",
        "Lets the agent understand voice messages.",
        "https://console.deepgram.com/",
    ),
    Field(
        name="bind_address",
        env="BIND_ADDRESS",
        label="Published on",
        help="The host's address that the port is published on: 127.0.0.1 for this machine only,"
        " empty for all addresses.",
        placeholder="all addresses",
        section="Address",
        rule=rules.bind_rule,
    ),
    Field(
        name="image",
        env="OPENCLAW_IMAGE",
        label="Image",
        help="The gateway's container image, with its tag or digest. The launch pulls it where"
        " this host has none.",
        section="Container",
        rule=rules.image_rule,
    ),
    Field(
        name="memory_limit",
        env="MEMORY_LIMIT",
        label="Memory limit",
        help="The gateway idles at about 1 GB and is killed above the limit: 2g is right for most.",
        section="Container",
        rule=rules.memory_rule,
    ),
    Field(
        name="timezone",
        env="TZ",
        label="Time zone",
        help="For the gateway's schedules and timestamps; empty means UTC.",
        placeholder="Europe/Berlin",
        section="Container",
        rule=rules.timezone_rule,
        reaches_gateway=True,
    ),
)

# What people may give: all but what is made here.
GIVEN = tuple(each for each in FIELDS if each is not TOKEN)
BY_NAME: Mapping[str, Field] = {each.name: each for each in FIELDS}
BY_ENV: Mapping[str, Field] = {each.env: each for each in FIELDS}

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
