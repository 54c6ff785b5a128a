"""The provider's answer: what it says to a gateway's key and model, and what to do about it.

Like the causes of a failed launch, the catalogue is data. Each answer has what it
is known by (the HTTP status, the network error that Node names, the provider's own
words), its words and the next step. The first that matches counts, so the specific
stand before the general. Statuses and wordings are OpenRouter's
(https://openrouter.ai/docs/api/reference/errors-and-debugging).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.core.secrets import Masker
from app.core.text import clean

DEFAULT_BASE_URL = "https://openrouter.ai/api/v1"
# How long the provider may take, as the gateway's own process measures it.
ASK_SECONDS = 10
_LONGEST_SAID = 300


@dataclass(frozen=True, slots=True)
class ContainerReply:
    """What was heard inside the gateway's container. All of it may be anybody's text.

    `status` is the HTTP status, or None where no answer came; `error` is then the
    code of the network error. `key` tells the key in use from another without
    showing it: a hash with a nonce. `config` is false where openclaw.json could
    not be read.
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
    """What the provider says, in words. `code` is stable; the words may get better.

    `accepted` is None where the provider was not asked or could not be.
    `remarks` tell where the gateway uses something else than `.env` has.
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


@dataclass(frozen=True, slots=True)
class _CatalogueAnswer:
    code: str
    pattern: re.Pattern[str]
    words: str
    next_step: str
    accepted: bool | None = False


def _entry(
    code: str, pattern: str, words: str, next_step: str = "", accepted: bool | None = False
) -> _CatalogueAnswer:
    return _CatalogueAnswer(code, re.compile(pattern, re.IGNORECASE), words, next_step, accepted)


_SET_KEY = "set OPENROUTER_API_KEY in .env, then launch again."
_SET_URL = "models.providers.openrouter.baseUrl in config/openclaw.json"
_SET_MODEL = (
    "Set agents.defaults.model.primary in config/openclaw.json to another one, such as"
    " openrouter/auto"
)

# Matched against "<status or error> <the provider's own words>".
_ANSWERS = (
    _entry(
        "key_missing",
        r"^NO_KEY ",
        "The gateway has no OpenRouter key.",
        f"Make one at https://openrouter.ai/keys, {_SET_KEY}",
    ),
    _entry(
        "other_provider",
        r"^OTHER_PROVIDER ",
        "The gateway's model is {model}, and only OpenRouter is asked: whether this provider"
        " takes its key, a first chat tells.",
        accepted=None,
    ),
    _entry(
        "address_invalid",
        r"^(?:ERR_INVALID_URL|NO_URL) ",
        "The provider's address {base_url} is no http:// or https:// address.",
        f"Correct {_SET_URL}.",
    ),
    _entry(
        "key_refused",
        r"^401 ",
        "{who} does not accept the key (401).",
        f"{{new_key}}, {_SET_KEY}",
    ),
    _entry(
        "no_credit",
        r"^402 |^403 .*(?:key limit|credit|quota)",
        "{who} knows the key, but there is no credit left for it ({status}).",
        "Add credit at https://openrouter.ai/settings/credits, or raise the key's own limit at"
        " https://openrouter.ai/keys, then ask again.",
    ),
    _entry(
        "not_allowed",
        r"^403 ",
        "{who} knows the key, and does not allow it this request (403).",
        "Look at what the key and its account may use, at https://openrouter.ai/settings, then"
        " ask again.",
    ),
    _entry(
        "rate_limited",
        r"^429 ",
        "{who} takes no more requests for this key or model at the moment (429).",
        "Ask again {later}. If it stays, choose another model, or raise the account's limit:"
        " models whose name ends in :free have a small one a day.",
    ),
    _entry(
        "proxy_refused",
        r"^407 ",
        "A proxy before {host} asks for a log-in of its own (407).",
        "Correct the proxy in the environment of docker-compose.yml, then launch again.",
    ),
    _entry(
        "model_not_allowed",
        r"^404 .*(?:data policy|privacy|guardrail)",
        "{who} has {model}, but none that this account's privacy settings allow (404).",
        "Change them at https://openrouter.ai/settings/privacy, or choose another model.",
    ),
    _entry(
        "model_unknown",
        r"^404 .*(?:\bmodel|no endpoints)|^400 .*(?:not a valid model|invalid model|unknown model"
        r"|no such model|model\b.*\b(?:not found|not exist|does not exist))",
        "{who} has no model {model} ({status}).",
        f"{_SET_MODEL}, then ask again. https://openrouter.ai/models lists them.",
    ),
    _entry(
        "address_wrong",
        r"^40[45] ",
        "{host} answers, but there is no OpenRouter API at {base_url} ({status}).",
        f"Correct {_SET_URL}: OpenRouter's own ends in /api/v1.",
    ),
    _entry(
        "redirected",
        r"^3\d\d ",
        "{host} sends to another address ({status}), where the key does not go along.",
        f"Set {_SET_URL} to the address that it leads to.",
    ),
    _entry(
        "not_the_api",
        r"^NOT_THE_API ",
        "{host} answers, but not as OpenRouter does: perhaps a log-in page of the network.",
        f"Open {{base_url}} in a browser on this host, or correct {_SET_URL}.",
    ),
    _entry("accepted", r"^200 ", "{who} accepts the key, and {model} answers.", "", accepted=True),
    _entry(
        "answer_slow",
        r"^SLOW ",
        "{who} took the request, but {model} did not finish a short answer within {seconds} s.",
        "Ask again. If it stays, choose a faster model.",
    ),
    _entry(
        "provider_down",
        r"^5\d\d |^408 ",
        "{who} has trouble of its own or with this model ({status}).",
        "Ask again in some minutes, or choose another model. https://status.openrouter.ai tells"
        " of outages.",
    ),
    _entry(
        "request_refused",
        r"^\d{3} ",
        "{who} refuses a short chat with {model} ({status}).",
        "Its own words tell why. Choose another model if they name it.",
    ),
    _entry(
        "name_unknown",
        r"^(?:ENOTFOUND|EAI_\w+) ",
        "The gateway finds no address for {host}: no DNS answer has the name.",
        "Check the name's spelling, and on this host: getent hosts {hostname}",
    ),
    _entry(
        "connection_refused",
        r"^ECONNREFUSED ",
        "Nothing listens at {host}, as seen from the gateway.",
        "Start what is to answer there, or correct the address.{localhost}",
    ),
    _entry(
        "tls_expected_none",
        r"^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO) ",
        "{host} does not speak TLS.",
        f"If it is meant to speak plain http, write http:// in {_SET_URL}.",
    ),
    _entry(
        "tls_refused",
        r"^(?:CERT_|ERR_TLS|ERR_SSL|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)\w* ",
        "The gateway does not trust the TLS certificate of {host} ({error}).",
        "Behind a company proxy, give the gateway its certificate: mount it in"
        " docker-compose.yml, name it there in NODE_EXTRA_CA_CERTS, then launch again.",
    ),
    _entry(
        "unreachable",
        r"^(?:EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EACCES|EPERM|UND_ERR_CONNECT_TIMEOUT) ",
        "There is no way from the gateway to {host} ({error}).",
        "Check this host's way to it, its firewall, and whether a proxy is needed.",
    ),
    _entry(
        "provider_silent",
        r"^TIMEOUT ",
        "{host} gave no answer within {seconds} s.",
        "Ask again. If it stays, something on the way swallows the request: a firewall, or a"
        " proxy that is needed and not set.",
    ),
    _entry(
        "cut_off",
        r"^(?:ECONNRESET|EPIPE|UND_ERR_\w+) ",
        "{host} cut the connection without an answer.",
        "Ask again. If it stays, look at the proxy or firewall on the way.",
    ),
    _entry(
        "no_route",
        r"",
        "The gateway could not ask {host} ({error}).",
        "Check the address and this host's way to it.",
    ),
)

CODES = tuple(each.code for each in _ANSWERS)


def interpret(reply: ContainerReply) -> ProviderAnswer:
    """Return what a reply means."""
    sign = f"{reply.error or reply.status} {reply.message}"
    known = next(each for each in _ANSWERS if each.pattern.search(sign))
    is_openrouter = reply.base_url == DEFAULT_BASE_URL
    later = f"in {reply.retry_after} s" if reply.retry_after else "in a minute"
    hostname = urlsplit(reply.base_url).hostname or reply.host
    blanks = {
        "who": "OpenRouter" if is_openrouter else f"The provider at {reply.host}",
        "host": reply.host,
        "hostname": hostname,
        "base_url": reply.base_url or "(empty)",
        "model": reply.model,
        "status": reply.status,
        "error": reply.error,
        "seconds": ASK_SECONDS,
        "later": later,
        "new_key": "Make a new key at https://openrouter.ai/keys"
        if is_openrouter
        else f"Get a key from whoever runs {reply.host}",
        "localhost": " In a container, localhost is the container itself: use this host's own"
        " address."
        if hostname in ("localhost", "127.0.0.1", "::1")
        else "",
    }
    return ProviderAnswer(
        code=known.code,
        words=known.words.format(**blanks),
        next_step=known.next_step.format(**blanks),
        accepted=known.accepted,
        said="" if known.accepted else reply.message,
        base_url=reply.base_url,
        model=reply.model,
        status=reply.status,
        milliseconds=reply.milliseconds,
    )


def unanswered(code: str, words: str, next_step: str) -> ProviderAnswer:
    """Return an answer that never came, since the gateway's container could not be used for it."""
    return ProviderAnswer(code, words, next_step)


def read_reply(given: Mapping[str, Any], mask: Masker) -> ContainerReply:
    """Return what a container printed as a reply: masked, plain, of bounded length.

    An answer that came and is no answer, or did not come whole, gets an `error` of its own.
    """

    def text(name: str, longest: int = 200) -> str:
        value = given.get(name)
        return mask(clean(value).replace("\n", " "))[:longest] if isinstance(value, str) else ""

    def number(name: str, largest: int) -> int | None:
        value = given.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest:
            return value
        return None

    status, error, is_api = number("status", 999), text("error", 60), given.get("isApi") is True
    if status is not None and not 200 <= status < 300:
        error = ""  # What was said counts, also where the rest of it did not come.
    elif status is not None and error == "TIMEOUT":
        error = "SLOW"
    elif status is not None and not error and not is_api:
        error = "NOT_THE_API"
    return ContainerReply(
        base_url=text("baseUrl"),
        model=text("model"),
        config=given.get("config") is not False,
        own_proxy=given.get("ownProxy") is True,
        key=text("key", 64),
        key_from=text("keyFrom", 40),
        status=status,
        error=error,
        message=text("message", _LONGEST_SAID),
        is_api=is_api,
        retry_after=retry if (retry := text("retryAfter", 6)).isdecimal() else "",
        milliseconds=number("milliseconds", 10**6),
    )


def remarks_on(reply: ContainerReply, env: Mapping[str, str], key: str) -> tuple[str, ...]:
    """Return where the gateway uses something else than `.env` has.

    `key` is the hash of the key of `.env`, made as the reply's own.
    """
    remarks = []
    if reply.key and reply.key != key:
        remarks.append(_other_key(reply))
    if not reply.config:
        remarks.append(
            "config/openclaw.json could not be read, so the address and the model of .env were"
            " asked; the gateway may use others."
        )
        return tuple(remarks)
    url = env.get("OPENROUTER_BASE_URL", "").rstrip("/")
    if reply.base_url and reply.base_url != (url or DEFAULT_BASE_URL):
        theirs = f"OPENROUTER_BASE_URL in .env is {url}" if url else ".env has no other address"
        remarks.append(
            f"The gateway uses {reply.base_url} from config/openclaw.json; {theirs}. What counts is"
            " models.providers.openrouter.baseUrl there."
        )
    model = env.get("OPENCLAW_MODEL", "")
    if model and reply.model and model != reply.model:
        remarks.append(
            f"The gateway uses the model {reply.model} from config/openclaw.json; OPENCLAW_MODEL in"
            f" .env is {model}. What counts is agents.defaults.model.primary there."
        )
    if reply.own_proxy:
        remarks.append(
            "config/openclaw.json names a proxy for the gateway's own requests; this question did"
            " not go through it."
        )
    return tuple(remarks)


def _other_key(reply: ContainerReply) -> str:
    if reply.key_from == "environment":
        return (
            "The gateway still has another key than .env: launch again, so that it takes the one"
            " of .env."
        )
    return "The gateway's key comes from config/openclaw.json, and .env has another or none."
