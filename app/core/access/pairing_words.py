"""Names for browsers, scopes, approvals and clients, as people read them."""

from collections.abc import Iterable

from app.core.text import plain

ADMIN = "operator.admin"
_LONGEST = 200


def browser_name(user_agent: str) -> str:
    """Return `Firefox on Windows`, or the first word of an unknown user agent."""
    if user_agent in ("", "n/a"):
        return ""
    name = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if name is None:
        return short((user_agent.split() or [""])[0].partition("/")[0])
    return f"{name} on {system}" if system else name


# In this order: the later names also occur in the user agents of the earlier browsers.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def scope_words(scopes: Iterable[str]) -> str:
    """Return what scopes allow, in words. The administrator's scope includes all others."""
    given = list(scopes)
    if ADMIN in given:
        return "everything, settings included"
    if not given:
        return "nothing yet"
    return ", ".join(_SCOPES.get(each, each.removeprefix("operator.")) for each in given)


_SCOPES = {
    "operator.read": "read",
    "operator.write": "chat and act",
    "operator.approvals": "approve what agents ask",
    "operator.questions": "answer what agents ask",
    "operator.pairing": "pair devices",
    "operator.talk": "talk",
    "operator.talk.secrets": "talk settings",
}


def approval_words(approved_via: str, approver: str | None) -> str:
    """Return who approved a device: a name from our history, else the gateway's way of approval."""
    if approver:
        return approver
    return _APPROVALS.get(approved_via, approved_via or "not known")


_APPROVALS = {
    "silent": "OpenClaw: opened on this host with the token",
    "owner": "an operator in OpenClaw",
    "bootstrap": "a one-time link of OpenClaw",
    "trusted-cidr": "OpenClaw, for its network",
    "trusted-proxy": "OpenClaw, for its proxy",
    "ssh-verified": "OpenClaw, over SSH",
}


def client_words(client: str, platform: str) -> str:
    kind = _CLIENTS.get(client, client) or "A device"
    return f"{kind} on {platform}" if platform else kind


_CLIENTS = {
    "openclaw-control-ui": "A browser",
    "webchat": "A browser",
    "webchat-ui": "A browser",
    "cli": "The command line",
    "openclaw-tui": "The terminal interface",
    "gateway-client": "A program",
    "node-host": "A node",
    "openclaw-ios": "The iOS app",
    "openclaw-android": "The Android app",
    "openclaw-macos": "The macOS app",
}


def short(text: str) -> str:
    return " ".join(plain(text[:_LONGEST]).split())
