"""All settings of the server. Each setting is an environment variable `DEPLOY_AGENT_<NAME>`."""

import re
import sys
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.core.settings.fields import BY_NAME
from app.core.settings.ports import pool_is_large_enough

# A name, an IPv4 address, or an IPv6 address with or without brackets.
_HOST_NAME = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?)\Z"
)
PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """The server's settings, validated once at the start. Times are in seconds."""

    model_config = SettingsConfigDict(env_prefix="DEPLOY_AGENT_", frozen=True, env_file=None)

    host: str = Field("127.0.0.1", description="The address that the page listens on.")
    port: int = Field(8000, ge=1, le=65535, description="The port of the page.")
    deployments_dir: Path = Field(
        PROJECT / "deployments", description="The folder that holds all deployments."
    )
    image: str = Field(
        "ghcr.io/openclaw/openclaw:2026.9.6",
        description="The gateway's image if a deployment names none.",
    )
    port_range: Annotated[tuple[int, int], NoDecode] = Field(
        (10000, 32767), description="The range that gateways' ports are picked from: LOW-HIGH."
    )
    bind_address: str = Field(
        "", description="The host address that gateways publish their port on; empty: all."
    )
    subnet_pool: IPv4Network = Field(
        IPv4Network("10.192.0.0/12"),
        description="The pool of the deployments' /28 networks: a /12 or larger.",
    )
    public_host: str = Field(
        "", description="The host name in links to gateways; empty: the page's own host name."
    )
    trusted_proxy: str = Field(
        "", description="The address of a reverse proxy that may log people in; empty for none."
    )
    proxy_user_header: str = Field(
        "X-Forwarded-User", description="The proxy's header with the person's name."
    )
    memory_limit: str = Field(
        "2g", description="A gateway's memory limit if a deployment names none."
    )
    engine_timeout: int = Field(
        2, ge=1, le=9, description="How long Docker Engine may take to answer a request."
    )
    launch_timeout: float = Field(
        180,
        gt=0,
        le=86400,
        description="How long a gateway may take to become ready, after the image pull.",
    )
    pull_timeout: float = Field(
        1800, gt=0, le=86400, description="How long an image pull may take."
    )
    stop_timeout: float = Field(
        120, gt=0, le=86400, description="How long stopping a gateway may take."
    )
    threads: int = Field(256, ge=8, le=2048, description="The number of threads.")
    request_rate: int = Field(
        100,
        ge=0,
        le=100_000,
        description="Requests per second that each other machine may send; 0: no limit.",
    )
    webhook_url: SecretStr = Field(
        SecretStr(""),
        description="The webhook's address, which gets messages about trouble; a secret.",
    )
    page_url: str = Field(
        "", description="The page's address in links of messages; default: host and port."
    )
    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        description="The lowest level that is logged.",
    )
    log_format: str = Field(
        "text",
        pattern="^(text|json)$",
        description="The format of the log: text for people, json for machines.",
    )

    @field_validator("port_range", mode="before")
    @classmethod
    def _read_range(cls, value: object) -> object:
        if isinstance(value, str):
            low, _, high = value.partition("-")
            if not (low.strip().isdecimal() and high.strip().isdecimal()):
                raise ValueError("must be LOW-HIGH, such as 10000-32767")
            return int(low), int(high)
        return value

    @field_validator("port_range")
    @classmethod
    def _check_range(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= value[0] <= value[1] <= 65535:
            raise ValueError("must be two ports, the lower port first")
        return value

    @field_validator("host", "public_host")
    @classmethod
    def _check_name(cls, value: str, info: ValidationInfo) -> str:
        if not (_HOST_NAME.match(value) or (not value and info.field_name == "public_host")):
            raise ValueError("must be a host's name or address, without http:// and port")
        return value

    @field_validator("image", "memory_limit", "bind_address")
    @classmethod
    def _check_as_field(cls, value: str, info: ValidationInfo) -> str:
        """Validate a setting with the rule of the deployment field that has the same name."""
        rule = BY_NAME[str(info.field_name)].rule
        if value and rule and (problem := rule(value)):
            raise ValueError(problem)
        if not value and info.field_name != "bind_address":
            raise ValueError("must not be empty")
        return value

    @field_validator("webhook_url", "page_url")
    @classmethod
    def _check_url(cls, value: SecretStr | str) -> SecretStr | str:
        url = value.get_secret_value() if isinstance(value, SecretStr) else value
        if url and not _is_url(url):
            raise ValueError("must be a complete address such as https://example.com/path")
        return value

    @field_validator("subnet_pool")
    @classmethod
    def _check_pool(cls, value: IPv4Network) -> IPv4Network:
        if not pool_is_large_enough(value):
            raise ValueError("must be a /12 or larger, such as 10.192.0.0/12")
        return value

    @field_validator("deployments_dir")
    @classmethod
    def _make_absolute(cls, value: Path) -> Path:
        if value == Path():
            raise ValueError("must be a folder of its own")
        return value if value.is_absolute() else PROJECT / value

    def as_environment(self) -> dict[str, str]:
        """Return the environment that gives an operation's process the same settings.

        The webhook's address is left out: only the server needs it.
        """
        values = {**self.model_dump(), "webhook_url": ""}
        values["port_range"] = "-".join(map(str, self.port_range))
        return {f"DEPLOY_AGENT_{name.upper()}": str(value) for name, value in values.items()}


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        # Accessing `port` validates the port.
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Return whether an address, or the name localhost, is reachable from this host only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def load_settings() -> Settings:
    """Return the settings. An invalid value ends the process with a message of one sentence."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "DEPLOY_AGENT_" + str(first["loc"][0]).upper()
        message = first["msg"].removeprefix("Value error, ")
        sys.exit(f"{name} has a value that can't be used: {message}.")
