"""Checks of access: who can reach the gateways and this page, and how strong the tokens are."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.doctor.finding import Area, DoctorCheck, DoctorFinding, counted, listed
from app.core.doctor.shell import Shell

GATEWAYS = DoctorCheck(
    "gateways_reach",
    "Gateways and their tokens",
    Area.REACH,
    "Docker publishes ports past ufw and firewalld, so anybody who reaches this host reaches the"
    " gateways. Then only the token protects a gateway with its keys and tools.",
)
PAGE = DoctorCheck(
    "page_reach",
    "This page",
    Area.REACH,
    "Anybody who may use this page controls every gateway and, through Docker Engine, this host as"
    " root.",
)

# In bits: a token below the first limit can be guessed; below the second, it is not random.
_GUESSABLE_BITS, _ENOUGH_BITS = 64, 96
_CLASSES = ((r"[0-9]", 10), (r"[a-z]", 26), (r"[A-Z]", 26), (r"[^0-9a-zA-Z]", 32))
_HEX = re.compile(r"[0-9a-f]+\Z|[0-9A-F]+\Z")


@dataclass(frozen=True, slots=True)
class GatewayReach:
    """A deployment and who can reach its gateway.

    `here_only` means that its port is published for this host only, `runs` that the gateway
    is running now.
    """

    deployment_id: str
    label: str
    token: str = field(repr=False)
    here_only: bool
    runs: bool


@dataclass(frozen=True, slots=True)
class PageFacts:
    """How the page is served. `public` are this host's own internet addresses."""

    address: str
    here_only: bool
    has_users: bool
    proxied: bool
    public: tuple[str, ...] = ()


def token_bits(token: str) -> float:
    """Return an upper bound of a token's entropy in bits.

    The bound follows from the length, the kinds of characters, and how evenly the token uses them.
    """
    if not token:
        return 0.0
    alphabet = 16 if _HEX.match(token) else sum(n for kind, n in _CLASSES if re.search(kind, token))
    counts = Counter(token)
    evenness = -sum(n / len(token) * math.log2(n / len(token)) for n in counts.values())
    # Random text of this length uses its characters nearly as evenly as possible.
    return len(token) * min(math.log2(alphabet), evenness * 1.3)


def gateways_finding(
    reached: Sequence[GatewayReach], public: Sequence[str], shell: Shell
) -> DoctorFinding:
    """Report who reaches the gateways; `public` are this host's own internet addresses."""
    open_ones = [each for each in reached if not each.here_only]
    seen = _who_reaches(reached, open_ones)
    if weak := [each for each in open_ones if token_bits(each.token) < _ENOUGH_BITS]:
        guessable = any(token_bits(each.token) < _GUESSABLE_BITS for each in weak)
        verdict = GATEWAYS.bad if guessable else GATEWAYS.warning
        texts = [f"{each.label} has {_strength(each.token)}" for each in weak]
        return verdict(f"{listed(texts)}. {seen}", *_rotation(weak[0], shell))
    if shared := _shared_token(open_ones):
        words = f"{listed([each.label for each in shared])} have the same token."
        return GATEWAYS.warning(f"{words} {seen}", *_rotation(shared[-1], shell))
    if open_ones and public:
        return GATEWAYS.warning(
            f"This host has the internet address {listed(public)}. {seen}",
            "Chats and tokens cross the internet unencrypted. Publish gateways for this host only"
            f" and put a TLS proxy in front of them. {shell.setting_words}",
            shell.setting("BIND_ADDRESS", "127.0.0.1"),
        )
    return GATEWAYS.good(f"{seen} {'Every token is strong.' if reached else ''}".strip())


def _rotation(gateway: GatewayReach, shell: Shell) -> tuple[str, str]:
    """Return the next step and the command that give a gateway a new token."""
    step = f"Give {gateway.label} a new token. Its clients need the new token."
    return step, shell.deploy_agent("rotate-token", gateway.deployment_id)


def _who_reaches(reached: Sequence[GatewayReach], open_ones: Sequence[GatewayReach]) -> str:
    if not reached:
        return "There is no deployment yet."
    if not open_ones:
        return f"{counted(len(reached), 'deployment is', 'deployments are')} for this host only."
    running = sum(each.runs for each in open_ones)
    return (
        f"{len(open_ones)} of {counted(len(reached), 'deployment')} can be reached from other"
        f" machines while running; {_now(running)}."
    )


def _now(running: int) -> str:
    if not running:
        return "none is running now"
    return f"{running} {'is' if running == 1 else 'are'} running now"


def _strength(token: str) -> str:
    if not token:
        return "no token"
    return "a token that can be guessed" if token_bits(token) < _GUESSABLE_BITS else "a weak token"


def _shared_token(reached: Sequence[GatewayReach]) -> list[GatewayReach]:
    counts = Counter(each.token for each in reached)
    return [each for each in reached if counts[each.token] > 1]


def page_finding(page: PageFacts, shell: Shell) -> DoctorFinding:
    if page.here_only and not page.proxied and not page.has_users:
        return PAGE.good(
            f"The page is at {page.address}, for this machine only; anybody at this machine may do"
            " everything."
        )
    if not page.has_users:
        return PAGE.warning(
            f"The page is at {page.address}, and nobody has an account yet.",
            "Add the first operator. This command asks for a password.",
            shell.deploy_agent("user", "add", "admin"),
        )
    if page.public and not page.here_only and not page.proxied:
        return PAGE.warning(
            f"The page is at {page.address} without TLS, and this host has the internet address"
            f" {listed(page.public)}.",
            f"Passwords cross the internet unencrypted. Put a TLS proxy in front of it."
            f" {shell.setting_words}",
            shell.setting("HOST", "127.0.0.1"),
        )
    reach = "for this machine only" if page.here_only else "for other machines too"
    return PAGE.good(f"The page is at {page.address}, {reach}, and everybody has to log in.")
