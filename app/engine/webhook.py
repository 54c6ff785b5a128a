"""Send one JSON object to the webhook's address, and return the outcome as text for people.

The address comes from the operator's environment and is a secret: whoever knows the address can
write into the operator's channel. Errors of libraries are not shown, because they quote the
address.
"""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from app.engine.client import causes_of

TIMEOUT_SECONDS = 5.0
# Status codes after which the receiver may accept the same message later.
_LATER = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome of one try. `again`: another try may succeed.

    `unheard`: no answer came in time, but the message may have arrived.
    """

    ok: bool
    words: str
    again: bool
    milliseconds: int
    unheard: bool = False


def send(url: str, message: Mapping[str, Any]) -> Sent:
    """Send a message once, with TIMEOUT_SECONDS to connect and TIMEOUT_SECONDS for the answer."""
    began = time.monotonic()
    unheard = False
    try:
        # Redirects could lead anywhere, so they are not followed. The answer's body is not read.
        with requests.post(
            url, json=message, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True
        ) as answer:
            ok, words, again = _answered(answer.status_code)
    except requests.RequestException as error:
        ok, words, again = False, _in_words(error), True
        unheard = isinstance(error, requests.ReadTimeout)
    return Sent(ok, words, again, round((time.monotonic() - began) * 1000), unheard)


def _answered(status: int) -> tuple[bool, str, bool]:
    if status < 300:
        return True, f"accepted, with status {status}", False
    if status < 400:
        return False, f"it answered with a redirect ({status}), which is not followed", False
    if status in _LATER or status >= 500:
        return False, f"it answered with status {status}", True
    return False, f"it refused the message with status {status}", False


def _in_words(error: BaseException) -> str:
    causes = list(causes_of(error))
    for kind, words in _CAUSES:
        if any(isinstance(cause, kind) for cause in causes):
            return words
    return "the connection broke"


_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (requests.exceptions.SSLError, "its certificate is not accepted"),
    (requests.exceptions.ProxyError, "the proxy on the way does not answer"),
    (requests.Timeout, f"no answer within {TIMEOUT_SECONDS:g} s"),
    (socket.gaierror, "there is no host of that name"),
    (ConnectionRefusedError, "nothing listens at that address"),
)
