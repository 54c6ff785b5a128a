"""`config/openclaw.json`: what the gateway's own configuration must say.

Measured on OpenClaw 2026.9.6: the gateway never writes this file; a token in it
wins over the environment's; an explicit list of origins replaces the built-in
pair; and with OPENROUTER_API_KEY set, the perplexity plugin is looked up in the
npm registry at every start, which costs minutes where there is none.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

DEFAULT_MODEL = "openrouter/auto"
# OpenClaw resolves this form from the environment, so it equals the token there.
TOKEN_REFERENCE = "${OPENCLAW_GATEWAY_TOKEN}"  # noqa: S105


class ConfigUnreadable(ValueError):
    """The file is no JSON object. OpenClaw also takes JSON5, which we don't rewrite."""


def seed_config(env: Mapping[str, str], origin_hosts: Sequence[str]) -> dict[str, Any]:
    """Return the first `openclaw.json` of a deployment with these variables."""
    port = env["PORT"]
    config: dict[str, Any] = {
        "gateway": {
            "mode": "local",
            "bind": "lan",
            "auth": {"mode": "token", "token": env["OPENCLAW_GATEWAY_TOKEN"]},
            "controlUi": {"allowedOrigins": [f"http://{host}:{port}" for host in origin_hosts]},
        },
        "agents": {"defaults": {"model": {"primary": env.get("OPENCLAW_MODEL") or DEFAULT_MODEL}}},
    }
    if base_url := env.get("OPENROUTER_BASE_URL"):
        config["models"] = {"providers": {"openrouter": {"baseUrl": base_url, "models": []}}}
    if not env.get("PERPLEXITY_API_KEY"):
        config["plugins"] = {"entries": {"perplexity": {"enabled": False}}}
    return config


def format_config(config: Mapping[str, Any]) -> bytes:
    try:
        return (json.dumps(config, indent=2, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        # Half a surrogate pair, which JSON can name and UTF-8 can't hold.
        return (json.dumps(config, indent=2) + "\n").encode()


def parse_config(data: bytes) -> dict[str, Any]:
    """Raises ConfigUnreadable; the message holds nothing of the file."""
    try:
        config = json.loads(data)
    except (ValueError, RecursionError):
        raise ConfigUnreadable("config/openclaw.json is not plain JSON") from None
    if not isinstance(config, dict):
        raise ConfigUnreadable("config/openclaw.json is not a JSON object")
    return config


def token_in(config: Mapping[str, Any]) -> str | None:
    """Return `gateway.auth.token`, or None where the environment's token counts."""
    auth = _section(_section(config, "gateway"), "auth")
    token = auth.get("token")
    return None if token is None or token == TOKEN_REFERENCE else str(token)


def with_token(config: Mapping[str, Any], token: str) -> dict[str, Any]:
    """Return the configuration with the token written literally, every other key as it was."""
    gateway = dict(_section(config, "gateway"))
    auth = dict(_section(gateway, "auth"))
    auth["token"] = token
    auth.setdefault("mode", "token")
    gateway["auth"] = auth
    return {**config, "gateway": gateway}


def _section(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = config.get(key)
    return section if isinstance(section, dict) else {}
