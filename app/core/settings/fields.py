"""The field schema: every setting of a deployment, described once.

The form, the API's `/schema`, input checks and the variables passed to the gateway all
come from here.
"""

import re
from collections.abc import Mapping
from typing import Any

from app.core.settings import field_rules as rules
from app.core.settings.field import Field, Section, ValueHint

# In the form's order. The first section is always open.
SECTIONS = (
    Section("General", ""),
    Section("Model", "Which model answers, and how it is reached"),
    Section("Channels", "Telegram, Discord, Slack: where people write to the agent"),
    Section("Other providers", "Keys for models that don't come from OpenRouter"),
    Section("Tools", "Web search, voices, speech"),
    Section("Address", "The port, and who can reach it"),
    Section("Container", "Image, memory, time zone"),
)


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
    help="Where the gateway listens on this host. Leave it empty to get a free port.",
    group="auto",
    type="integer",
    section="Address",
    placeholder="a free port",
    constraints={"minimum": 1, "maximum": 65535},
)
TOKEN = Field(
    name="openclaw_gateway_token",
    env="OPENCLAW_GATEWAY_TOKEN",
    label="Gateway token",
    help="The secret that clients send to the gateway. Deploy Agent makes it: 256 random bits.",
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
        hint=ValueHint(r"sk-or-v1-\S{50,}\Z", "is sk-or-v1- followed by about 64 characters"),
        reaches_gateway=True,
    ),
    NAME,
    Field(
        name="model",
        env="OPENCLAW_MODEL",
        label="Model",
        help="The model that answers, as provider/model. A model of another provider than"
        " OpenRouter needs that provider's own key.",
        placeholder="openrouter/auto",
        section="Model",
        link="https://openrouter.ai/models",
        rule=rules.model_rule,
    ),
    Field(
        name="openrouter_base_url",
        env="OPENROUTER_BASE_URL",
        label="OpenRouter base URL",
        help="Only if you reach OpenRouter through a company proxy.",
        placeholder="https://openrouter.ai/api/v1",
        section="Model",
        constraints={"format": "uri"},
        rule=rules.url_rule,
    ),
    _secret(
        "telegram_bot_token",
        "Telegram bot token",
        "Channels",
        "Send /newbot to BotFather; it replies with the token. Each gateway needs its own bot.",
        "https://t.me/BotFather",
        placeholder="110201543:AAHdqTcvCH1…",
        hint=ValueHint(r"\d{6,}:[\w-]{35}\Z", "is a number, a colon and 35 characters"),
        serves_one="Telegram bot",
    ),
    _secret(
        "discord_bot_token",
        "Discord bot token",
        "Channels",
        "In your application, under Bot: Reset Token. Each gateway needs its own bot.",
        "https://discord.com/developers/applications",
        hint=ValueHint(r"[\w-]{18,}\.[\w-]{6,}\.[\w-]{25,}\Z", "has three parts separated by dots"),
        serves_one="Discord bot",
    ),
    _secret(
        "slack_bot_token",
        "Slack bot token",
        "Channels",
        "In your app, under OAuth & Permissions. Slack also needs the app token.",
        "https://api.slack.com/apps",
        placeholder="xoxb-…",
        hint=ValueHint(r"xoxb-", "begins with xoxb-"),
        serves_one="Slack bot",
    ),
    _secret(
        "slack_app_token",
        "Slack app token",
        "Channels",
        "In your app, under Basic Information: an app-level token with connections:write.",
        "https://api.slack.com/apps",
        placeholder="xapp-…",
        hint=ValueHint(r"xapp-", "begins with xapp-"),
        serves_one="Slack app",
    ),
    _secret(
        "openai_api_key",
        "OpenAI API key",
        "Other providers",
        "For models named openai/…, billed by OpenAI.",
        "https://platform.openai.com/api-keys",
        placeholder="sk-…",
        hint=ValueHint(r"sk-(?!or-|ant-)", "begins with sk-"),
    ),
    _secret(
        "anthropic_api_key",
        "Anthropic API key",
        "Other providers",
        "For models named anthropic/…, billed by Anthropic.",
        "https://console.anthropic.com/settings/keys",
        placeholder="sk-ant-…",
        hint=ValueHint(r"sk-ant-", "begins with sk-ant-"),
    ),
    _secret(
        "gemini_api_key",
        "Gemini API key",
        "Other providers",
        "For models named google/…, from Google AI Studio.",
        "https://aistudio.google.com/apikey",
        placeholder="AIza…",
        hint=ValueHint(r"AIza|AQ\.", "begins with AIza or AQ."),
    ),
    _secret(
        "zai_api_key",
        "Z.AI API key",
        "Other providers",
        "For models named zai/…, such as GLM.",
        "https://z.ai/manage-apikey/apikey-list",
    ),
    _secret(
        "ai_gateway_api_key",
        "AI Gateway API key",
        "Other providers",
        "For models named vercel-ai-gateway/…, through Vercel.",
        "https://vercel.com/d?to=%2F%5Bteam%5D%2F%7E%2Fai-gateway%2Fapi-keys",
        placeholder="vck_…",
        hint=ValueHint(r"vck_", "begins with vck_"),
    ),
    _secret(
        "minimax_api_key",
        "MiniMax API key",
        "Other providers",
        "For models named minimax/….",
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
        hint=ValueHint(r"pplx-", "begins with pplx-"),
    ),
    _secret(
        "firecrawl_api_key",
        "Firecrawl API key",
        "Tools",
        "Lets the agent read pages that need a browser.",
        "https://www.firecrawl.dev/app/api-keys",
        placeholder="fc-…",
        hint=ValueHint(r"fc-", "begins with fc-"),
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
        help="The host address on which the port is published: 127.0.0.1 for this machine only,"
        " empty for all addresses.",
        placeholder="all addresses",
        section="Address",
        rule=rules.bind_rule,
    ),
    Field(
        name="image",
        env="OPENCLAW_IMAGE",
        label="Image",
        help="The gateway's container image, with its tag or digest. The launch pulls it if this"
        " host does not have it.",
        section="Container",
        rule=rules.image_rule,
    ),
    Field(
        name="memory_limit",
        env="MEMORY_LIMIT",
        label="Memory limit",
        help="The gateway uses about 1 GB when idle and is killed above the limit. 2g suits most.",
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

# Every field that people can set: all except the token, which Deploy Agent makes.
GIVEN = tuple(each for each in FIELDS if each is not TOKEN)
BY_NAME: Mapping[str, Field] = {each.name: each for each in FIELDS}
BY_ENV: Mapping[str, Field] = {each.env: each for each in FIELDS}

# Variables with these words in their names count as secrets even if they are not fields.
_SECRET_NAME = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(?:_|\d|\Z)", re.IGNORECASE
)


def is_secret(env: str) -> bool:
    """Return whether a variable of `.env` holds a secret, even if the variable is not a field."""
    known = BY_ENV.get(env)
    return known.secret if known else bool(_SECRET_NAME.search(env))
