"""Choices: the suggested values of a form's fields."""

from app.core.errors import EngineError
from app.core.settings.field_rules import timezones
from app.engine.host.network import own_addresses
from app.usecases.context import AppContext

# Names from OpenClaw's own documentation (2026.9.6). Other names are accepted, too.
_MODELS = {
    "openrouter/auto": "OpenRouter chooses",
    "openrouter/moonshotai/kimi-k2.6": "through OpenRouter",
    "anthropic/claude-opus-5-5": "with an Anthropic API key",
    "anthropic/claude-sonnet-5": "with an Anthropic API key",
    "openai/gpt-6-astra": "with an OpenAI API key",
    "google/gemini-3.1-pro-preview": "with a Gemini API key",
    "zai/glm-5.3": "with a Z.AI API key",
    "minimax/MiniMax-M3": "with a MiniMax API key",
    "vercel-ai-gateway/anthropic/claude-opus-4.6": "with an AI Gateway API key",
}
_SIZES = {"1500m": "short: gateways idle at 1 GB", "2g": "", "4g": "", "8g": ""}
_MOST_IMAGES = 100


def choices(context: AppContext) -> dict[str, dict[str, str]]:
    """Return the suggested values by field name, each with a note."""
    addresses = dict.fromkeys(own_addresses(), "")
    return {
        "model": _MODELS,
        "image": dict.fromkeys(_images(context), "on this host"),
        "memory_limit": _SIZES,
        "timezone": dict.fromkeys(_timezones(), ""),
        "bind_address": addresses
        | {"127.0.0.1": "this machine only", "0.0.0.0": "all IPv4 addresses"},  # noqa: S104
    }


def _timezones() -> list[str]:
    """Return the time zones named after places. `Etc/GMT+5` misleads: the zone is west of 0."""
    places = [name for name in timezones() if "/" in name and not name.startswith("Etc/")]
    return ["UTC", *places]


def _images(context: AppContext) -> list[str]:
    """Return the images on this host, OpenClaw's first; none if the engine does not answer."""
    if context.snapshots.take().problem:
        return []  # The engine has just failed to answer, so don't wait for another timeout.
    try:
        names = context.images.names()
    except EngineError:
        return []
    return sorted(names, key=lambda name: ("openclaw" not in name, name))[:_MOST_IMAGES]
