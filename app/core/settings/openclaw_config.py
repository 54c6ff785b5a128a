"""`config/openclaw.json`: the gateway's own configuration.

Measured on OpenClaw 2026.9.6: the gateway never writes this file. A token in the file overrides the
environment's token. An explicit list of origins replaces the two built-in origins. With
OPENROUTER_API_KEY set, every start looks up the perplexity plugin in the npm registry, which takes
minutes if the registry can't be reached.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any

DEFAULT_MODEL = "openrouter/auto"
# OpenClaw resolves this reference from the environment, so both tokens are equal.
TOKEN_REFERENCE = "${OPENCLAW_GATEWAY_TOKEN}"  # noqa: S105

_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?/?\Z",
    re.ASCII | re.IGNORECASE,
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z", re.ASCII)
_LOOPBACK = ("localhost", "127.0.0.1")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGINS = ("gateway", "controlUi", "allowedOrigins")


class OriginRejected(ValueError):
    """The gateway's page can't be opened at this origin. The message says why."""


class ConfigUnreadable(ValueError):
    """The file is not a JSON object. OpenClaw also accepts JSON5, which we don't rewrite."""


def seed_config(env: Mapping[str, str], origin_hosts: Sequence[str]) -> dict[str, Any]:
    """Return the first `openclaw.json` of a new deployment."""
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
        # JSON can express half a surrogate pair; UTF-8 can't.
        return (json.dumps(config, indent=2) + "\n").encode()


def parse_config(data: bytes) -> dict[str, Any]:
    """Parse the file. Raises ConfigUnreadable; the message contains nothing from the file."""
    try:
        config = json.loads(data)
    except (ValueError, RecursionError):
        raise ConfigUnreadable("config/openclaw.json is not plain JSON") from None
    if not isinstance(config, dict):
        raise ConfigUnreadable("config/openclaw.json is not a JSON object")
    return config


def token_in(config: Mapping[str, Any]) -> str | None:
    """Return `gateway.auth.token`, or None if the environment's token applies."""
    token = _section(config, "gateway", "auth").get("token")
    return None if token is None or token == TOKEN_REFERENCE else str(token)


def with_token(config: Mapping[str, Any], token: str) -> dict[str, Any]:
    """Return the configuration with a literal token, every other key unchanged."""
    auth = _section(config, "gateway", "auth")
    mode = auth.get("mode", "token")
    return _with(config, ("gateway", "auth"), {**auth, "token": token, "mode": mode})


def origin_of(scheme: str, host: str, port: int) -> str:
    """Return an origin as browsers write it, without the scheme's default port."""
    return f"{scheme}://{host}" + ("" if port == _DEFAULT_PORTS[scheme] else f":{port}")


def parse_origin(text: str, gateway_port: int) -> str:
    """Return an origin as browsers write it. Raises OriginRejected.

    With plain http the page is at the gateway's own port. With https the page is behind a proxy, at
    any port.
    """
    match = _ORIGIN.match(text)
    if match is None or len(text) > 300:
        raise OriginRejected("must be http:// or https:// with a host name and no path")
    scheme = match["scheme"].lower()
    port = int(match["port"] or _DEFAULT_PORTS[scheme])
    if scheme == "http" and port != gateway_port:
        raise OriginRejected(
            f"must have the gateway's own port, {gateway_port}, or begin with https://"
        )
    if not 1 <= port <= 65535:
        raise OriginRejected("must have a port from 1 to 65535")
    return origin_of(scheme, _checked_host(match["host"].lower()), port)


def _checked_host(host: str) -> str:
    try:
        if host.startswith("["):
            return f"[{IPv6Address(host[1:-1])}]"
        labels = host.removesuffix(".").split(".")
        if labels[-1].isdecimal() or labels[-1].startswith("0x"):
            return str(IPv4Address(host))
    except ValueError:
        raise OriginRejected("must have a valid host name or address") from None
    if len(host) > 253 or not all(map(_LABEL.match, labels)):
        raise OriginRejected("must have a valid host name or address")
    return host


def origins_in(config: Mapping[str, Any], port: int) -> tuple[str, ...]:
    """Return the origins where the gateway's page may be opened, besides private addresses."""
    texts = [each for each in _listed_origins(config) or () if isinstance(each, str)]
    named = tuple(text.strip().lower() for text in texts if text.strip())
    return named or _built_in(port)


def with_origin(config: Mapping[str, Any], origin: str, port: int) -> dict[str, Any]:
    """Return the configuration with one more allowed origin, every other key unchanged.

    The two built-in origins are written out too, because an explicit list replaces them.
    """
    listed = _listed_origins(config) or []
    wanted = dict.fromkeys((*_built_in(port), origin))
    return _with(config, _ORIGINS, listed + [each for each in wanted if each not in listed])


def with_port(config: Mapping[str, Any], port: int) -> dict[str, Any]:
    """Return the configuration with its plain-http origins moved to the gateway's new port.

    The built-in loopback origins in the list show the old port: with plain http the page is only at
    the gateway's own port.
    """
    listed = _listed_origins(config)
    if listed is None:
        return dict(config)
    before = tuple(
        f":{match['port'] or _DEFAULT_PORTS['http']}"
        for match in (_ORIGIN.match(each) for each in listed if isinstance(each, str))
        if match and match["scheme"] == "http" and match["host"] in _LOOPBACK
    )
    return _with(config, _ORIGINS, [_at_port(each, before, port) for each in listed])


def with_settings(
    config: Mapping[str, Any], env: Mapping[str, str], changed: Collection[str]
) -> dict[str, Any]:
    """Return the configuration with the changed variables of `.env` applied.

    Unchanged variables are not written: somebody may have set them by hand in this file.
    """
    result = dict(config)
    if "PORT" in changed and env.get("PORT", "").isdecimal():
        result = with_port(result, int(env["PORT"]))
    if "OPENCLAW_MODEL" in changed:
        model = env.get("OPENCLAW_MODEL") or DEFAULT_MODEL
        result = _with(result, ("agents", "defaults", "model", "primary"), model)
    if "OPENROUTER_BASE_URL" in changed:
        result = _with_base_url(result, env.get("OPENROUTER_BASE_URL", ""))
    if "PERPLEXITY_API_KEY" in changed:
        path = ("plugins", "entries", "perplexity", "enabled")
        has_key = bool(env.get("PERPLEXITY_API_KEY"))
        result = _without(result, path) if has_key else _with(result, path, False)
    return result


def _with_base_url(config: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """Set or remove the provider's address.

    OpenClaw rejects a provider that has only one of `baseUrl` and `models`.
    """
    path = ("models", "providers", "openrouter")
    provider = _section(config, *path)
    if base_url:
        return _with(config, path, {"models": [], **provider, "baseUrl": base_url})
    ours = provider.keys() <= {"baseUrl", "models"} and not provider.get("models")
    return _without(config, path if ours else (*path, "baseUrl"))


def _with(config: Mapping[str, Any], path: Sequence[str], value: object) -> dict[str, Any]:
    first, *rest = path
    inner = _with(_section(config, first), rest, value) if rest else value
    return {**config, first: inner}


def _without(config: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """Return the configuration without a key, and without sections that become empty."""
    first, *rest = path
    others = {key: value for key, value in config.items() if key != first}
    inner = _without(_section(config, first), rest) if rest else {}
    if not isinstance(config.get(first), dict) and rest:
        return dict(config)
    return {**config, first: inner} if inner else others


def _at_port(origin: object, before: tuple[str, ...], port: int) -> object:
    match = _ORIGIN.match(origin) if isinstance(origin, str) else None
    if match is None or match["scheme"] != "http":
        return origin
    there = f":{match['port'] or _DEFAULT_PORTS['http']}"
    return origin_of("http", match["host"], port) if there in before else origin


def _built_in(port: int) -> tuple[str, ...]:
    return tuple(origin_of("http", host, port) for host in _LOOPBACK)


def _listed_origins(config: Mapping[str, Any]) -> list[Any] | None:
    *path, key = _ORIGINS
    listed = _section(config, *path).get(key)
    return listed if isinstance(listed, list) else None


def _section(config: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """Return the object at a path, or an empty object if there is no object."""
    for key in path:
        section = config.get(key)
        config = section if isinstance(section, dict) else {}
    return config
