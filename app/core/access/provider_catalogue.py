"""Catalogue of the provider's replies, as data.

Each entry has a pattern over the HTTP status (or Node's network error) and the provider's own
message, our message, and the next step. The first match applies, so specific entries come before
general entries. Statuses and wordings are OpenRouter's
(https://openrouter.ai/docs/api/reference/errors-and-debugging).
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CatalogueAnswer:
    """One kind of reply. `accepted` is None if the reply does not show whether the key works."""

    code: str
    pattern: str
    words: str
    next_step: str = ""
    accepted: bool | None = False

    def fits(self, result: str) -> bool:
        return bool(re.search(self.pattern, result, re.IGNORECASE))


_SET_KEY = "set OPENROUTER_API_KEY in .env, then launch again."
_SET_URL = "models.providers.openrouter.baseUrl in config/openclaw.json"
_SET_MODEL = (
    "Set agents.defaults.model.primary in config/openclaw.json to another one, such as"
    " openrouter/auto"
)

# Matched against "<status or error> <the provider's message>".
ANSWERS = (
    CatalogueAnswer(
        "key_missing",
        r"^NO_KEY ",
        "The gateway has no OpenRouter key.",
        f"Make a key at https://openrouter.ai/keys, {_SET_KEY}",
    ),
    CatalogueAnswer(
        "other_provider",
        r"^OTHER_PROVIDER ",
        "The gateway's model is {model}. Only OpenRouter keys can be checked here: a first chat"
        " shows whether this provider accepts its key.",
        accepted=None,
    ),
    CatalogueAnswer(
        "address_invalid",
        r"^(?:ERR_INVALID_URL|NO_URL) ",
        "The provider's address {base_url} is not an http:// or https:// address.",
        f"Correct {_SET_URL}.",
    ),
    CatalogueAnswer(
        "key_refused",
        r"^401 ",
        "{who} does not accept the key (401).",
        f"{{new_key}}, {_SET_KEY}",
    ),
    CatalogueAnswer(
        "no_credit",
        r"^402 |^403 .*(?:key limit|credit|quota)",
        "{who} knows the key, but it has no credit left ({status}).",
        "Add credit at https://openrouter.ai/settings/credits, or raise the key's own limit at"
        " https://openrouter.ai/keys, then ask again.",
    ),
    CatalogueAnswer(
        "not_allowed",
        r"^403 ",
        "{who} knows the key, but does not allow it to make this request (403).",
        "See what the key and its account may use at https://openrouter.ai/settings, then ask"
        " again.",
    ),
    CatalogueAnswer(
        "rate_limited",
        r"^429 ",
        "{who} accepts no more requests for this key or model at the moment (429).",
        "Ask again {later}. If it keeps happening, choose another model or raise the account's"
        " limit; models with :free at the end of their name have a small daily limit.",
    ),
    CatalogueAnswer(
        "proxy_refused",
        r"^407 ",
        "A proxy in front of {host} requires its own login (407).",
        "Correct the proxy in the environment of docker-compose.yml, then launch again.",
    ),
    CatalogueAnswer(
        "model_not_allowed",
        r"^404 .*(?:data policy|privacy|guardrail)",
        "{who} offers {model}, but this account's privacy settings do not allow it (404).",
        "Change these settings at https://openrouter.ai/settings/privacy, or choose another model.",
    ),
    CatalogueAnswer(
        "model_unknown",
        r"^404 .*(?:\bmodel|no endpoints)|^400 .*(?:not a valid model|invalid model|unknown model"
        r"|no such model|model\b.*\b(?:not found|not exist|does not exist))",
        "{who} has no model {model} ({status}).",
        f"{_SET_MODEL}, then ask again. https://openrouter.ai/models lists all models.",
    ),
    CatalogueAnswer(
        "address_wrong",
        r"^40[45] ",
        "{host} answers, but there is no OpenRouter API at {base_url} ({status}).",
        f"Correct {_SET_URL}; OpenRouter's own address ends in /api/v1.",
    ),
    CatalogueAnswer(
        "redirected",
        r"^3\d\d ",
        "{host} redirects to another address ({status}). The key is not sent there.",
        f"Set {_SET_URL} to the address of the redirect.",
    ),
    CatalogueAnswer(
        "not_the_api",
        r"^NOT_THE_API ",
        "{host} answers, but not like OpenRouter. It may be a login page of your network.",
        f"Open {{base_url}} in a browser on this host, or correct {_SET_URL}.",
    ),
    CatalogueAnswer(
        "accepted", r"^200 ", "{who} accepts the key, and {model} answers.", accepted=True
    ),
    CatalogueAnswer(
        "answer_slow",
        r"^SLOW ",
        "{who} accepted the request, but {model} did not finish a short answer within {seconds} s.",
        "Ask again. If it keeps happening, choose a faster model.",
    ),
    CatalogueAnswer(
        "provider_down",
        r"^5\d\d |^408 ",
        "{who} or this model has a problem ({status}).",
        "Ask again in a few minutes, or choose another model. https://status.openrouter.ai lists"
        " outages.",
    ),
    CatalogueAnswer(
        "request_refused",
        r"^\d{3} ",
        "{who} refuses a short chat with {model} ({status}).",
        "Read the provider's message. If it names the model as the reason, choose another model.",
    ),
    CatalogueAnswer(
        "name_unknown",
        r"^(?:ENOTFOUND|EAI_\w+) ",
        "The gateway can't resolve {host}: DNS has no such name.",
        "Check the spelling, and run this on the host: getent hosts {hostname}",
    ),
    CatalogueAnswer(
        "connection_refused",
        r"^ECONNREFUSED ",
        "Nothing listens at {host}, as seen from the gateway.",
        "Start the service there, or correct the address.{localhost}",
    ),
    CatalogueAnswer(
        "tls_expected_none",
        r"^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO) ",
        "{host} does not speak TLS.",
        f"If {{host}} should use plain http, write http:// in {_SET_URL}.",
    ),
    CatalogueAnswer(
        "tls_refused",
        r"^(?:CERT_|ERR_TLS|ERR_SSL|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)\w* ",
        "The gateway does not trust the TLS certificate of {host} ({error}).",
        "Behind a company proxy, give the gateway the proxy's certificate: mount it in"
        " docker-compose.yml, name the file in NODE_EXTRA_CA_CERTS there, then launch again.",
    ),
    CatalogueAnswer(
        "unreachable",
        r"^(?:EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EACCES|EPERM|UND_ERR_CONNECT_TIMEOUT) ",
        "The gateway has no route to {host} ({error}).",
        "Check this host's network and firewall, and whether a proxy is needed.",
    ),
    CatalogueAnswer(
        "provider_silent",
        r"^TIMEOUT ",
        "{host} gave no answer within {seconds} s.",
        "Ask again. If it keeps happening, something drops the request: a firewall, or a required"
        " proxy that is not set.",
    ),
    CatalogueAnswer(
        "cut_off",
        r"^(?:ECONNRESET|EPIPE|UND_ERR_\w+) ",
        "{host} closed the connection without an answer.",
        "Ask again. If it keeps happening, check the proxy or firewall in between.",
    ),
    CatalogueAnswer(
        "no_route",
        r"",
        "The gateway could not reach {host} ({error}).",
        "Check the address and this host's network.",
    ),
)
