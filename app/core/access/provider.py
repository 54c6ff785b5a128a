"""The provider check: what the provider replies to the gateway's key and model.

The request runs inside the gateway's container. Its reply is read as untrusted text and
interpreted by the catalogue.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.core.access.provider_catalogue import ANSWERS
from app.core.secrets import Masker
from app.core.text import clean

DEFAULT_BASE_URL = "https://openrouter.ai/api/v1"
# Time limit for the provider, measured in the gateway's container.
ASK_SECONDS = 10
_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class ContainerReply:
    """What the check printed in the gateway's container. All of it is untrusted.

    `status` is the HTTP status, or None if there was no response; `error` is then the code of the
    network error. `key` is a hash of the key in use, made with a nonce, so that keys can be
    compared but not read. `config` is false if openclaw.json could not be read.
    """

    base_url: str = ""
    model: str = ""
    config: bool = True
    own_proxy: bool = False
    key: str = ""
    key_from: str = ""
    status: int | None = None
    error: str = ""
    message: str = ""
    is_api: bool = False
    retry_after: str = ""
    milliseconds: int | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc or self.base_url


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What the provider's reply means. `code` is stable; the words may change.

    `accepted` is None if the check does not show whether the key works, for instance because there
    was no reply. `said` is the provider's own message. `remarks` are differences between the
    gateway and `.env`.
    """

    code: str
    words: str
    next_step: str = ""
    accepted: bool | None = None
    said: str = ""
    base_url: str = ""
    model: str = ""
    status: int | None = None
    milliseconds: int | None = None
    remarks: tuple[str, ...] = ()


def interpret(reply: ContainerReply) -> ProviderAnswer:
    result = f"{reply.error or reply.status} {reply.message}"
    entry = next(each for each in ANSWERS if each.fits(result))
    values = _values_for(reply)
    return ProviderAnswer(
        code=entry.code,
        words=entry.words.format(**values),
        next_step=entry.next_step.format(**values),
        accepted=entry.accepted,
        said="" if entry.accepted else reply.message,
        base_url=reply.base_url,
        model=reply.model,
        status=reply.status,
        milliseconds=reply.milliseconds,
    )


def _values_for(reply: ContainerReply) -> dict[str, object]:
    """Return the values for the placeholders in the catalogue's texts."""
    is_openrouter = reply.base_url == DEFAULT_BASE_URL
    hostname = urlsplit(reply.base_url).hostname or reply.host
    new_key = (
        "Make a new key at https://openrouter.ai/keys"
        if is_openrouter
        else f"Get a key from whoever runs {reply.host}"
    )
    is_localhost = hostname in ("localhost", "127.0.0.1", "::1")
    return {
        "who": "OpenRouter" if is_openrouter else f"The provider at {reply.host}",
        "host": reply.host,
        "hostname": hostname,
        "base_url": reply.base_url or "(empty)",
        "model": reply.model,
        "status": reply.status,
        "error": reply.error,
        "seconds": ASK_SECONDS,
        "later": f"in {reply.retry_after} s" if reply.retry_after else "in a minute",
        "new_key": new_key,
        "localhost": _LOCALHOST_HINT if is_localhost else "",
    }


_LOCALHOST_HINT = " In a container, localhost is the container itself: use this host's own address."


def read_reply(given: Mapping[str, Any], mask: Masker) -> ContainerReply:
    """Read a container's output as a reply: masked, plain and of bounded length.

    An incomplete response, or one that is not from an API, gets an `error` code of its own.
    """

    def text(name: str, longest: int = 200) -> str:
        value = given.get(name)
        return mask(clean(value).replace("\n", " "))[:longest] if isinstance(value, str) else ""

    status, is_api = _number(given, "status", 999), given.get("isApi") is True
    retry_after = text("retryAfter", 6)
    return ContainerReply(
        base_url=text("baseUrl"),
        model=text("model"),
        config=given.get("config") is not False,
        own_proxy=given.get("ownProxy") is True,
        key=text("key", 64),
        key_from=text("keyFrom", 40),
        status=status,
        error=_error_of(status, text("error", 60), is_api),
        message=text("message", _LONGEST_MESSAGE),
        is_api=is_api,
        retry_after=retry_after if retry_after.isdecimal() else "",
        milliseconds=_number(given, "milliseconds", 10**6),
    )


def _number(given: Mapping[str, Any], name: str, largest: int) -> int | None:
    value = given.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest:
        return value
    return None


def _error_of(status: int | None, error: str, is_api: bool) -> str:
    if status is None:
        return error
    if not 200 <= status < 300:
        return ""  # The status says what is wrong, even if the body is incomplete.
    if error == "TIMEOUT":
        return "SLOW"
    return error or ("" if is_api else "NOT_THE_API")


def remarks_on(reply: ContainerReply, env: Mapping[str, str], key: str) -> tuple[str, ...]:
    """Return the differences between the gateway's settings and `.env`, in sentences.

    `key` is the hash of the key in `.env`, made like the hash in the reply.
    """
    remarks = [_key_remark(reply)] if reply.key and reply.key != key else []
    if not reply.config:
        unread = (
            "config/openclaw.json could not be read, so the address and model from .env were used"
            " for this check; the gateway may use others."
        )
        return (*remarks, unread)
    return (*remarks, *_config_remarks(reply, env))


def _key_remark(reply: ContainerReply) -> str:
    if reply.key_from == "environment":
        return (
            "The gateway still uses another key than the one in .env. Launch again to apply the"
            " key from .env."
        )
    return "The gateway takes its key from config/openclaw.json; .env has another key, or none."


def _config_remarks(reply: ContainerReply, env: Mapping[str, str]) -> Iterator[str]:
    url = env.get("OPENROUTER_BASE_URL", "").rstrip("/")
    if reply.base_url and reply.base_url != (url or DEFAULT_BASE_URL):
        in_env = f"OPENROUTER_BASE_URL in .env is {url}" if url else ".env has no other address"
        yield (
            f"The gateway uses {reply.base_url} from config/openclaw.json; {in_env}. The setting"
            " that applies is models.providers.openrouter.baseUrl in openclaw.json."
        )
    model = env.get("OPENCLAW_MODEL", "")
    if model and reply.model and model != reply.model:
        yield (
            f"The gateway uses the model {reply.model} from config/openclaw.json; OPENCLAW_MODEL in"
            f" .env is {model}. The setting that applies is agents.defaults.model.primary in"
            " openclaw.json."
        )
    if reply.own_proxy:
        yield (
            "config/openclaw.json sets a proxy for the gateway's own requests; this check did not"
            " use it."
        )
