"""Who can reach what: gateways and how well their tokens guard them, and the page itself."""

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
    "Docker publishes ports past ufw and firewalld, so whoever reaches this host reaches them, and"
    " then the token alone stands between them and the gateway, its keys and its tools.",
)
PAGE = DoctorCheck(
    "page_reach",
    "This page",
    Area.REACH,
    "Whoever may use it has every gateway, and with Docker Engine as good as root on this host.",
)

# Below the first a token is guessed, below the second it is no random one.
_GUESSED_BITS, _ENOUGH_BITS = 64, 96
_CLASSES = ((r"[0-9]", 10), (r"[a-z]", 26), (r"[A-Z]", 26), (r"[^0-9a-zA-Z]", 32))
_HEX = re.compile(r"[0-9a-f]+\Z|[0-9A-F]+\Z")


@dataclass(frozen=True, slots=True)
class GatewayReach:
    """A deployment whose gateway runs or may run. `here_only` says that its port is published
    for this host alone; `runs`, that it is published now.
    """

    deployment_id: str
    label: str
    token: str = field(repr=False)
    here_only: bool
    runs: bool


@dataclass(frozen=True, slots=True)
class PageFacts:
    """How the page is served, by the settings. `public` are this host's own internet addresses."""

    address: str
    here_only: bool
    has_users: bool
    proxied: bool
    public: tuple[str, ...] = ()


def token_bits(token: str) -> float:
    """Return how hard a token is to guess at best, in bits: by its length, the kinds of its
    characters, and how evenly they are used.
    """
    if not token:
        return 0.0
    alphabet = 16 if _HEX.match(token) else sum(n for kind, n in _CLASSES if re.search(kind, token))
    counts = Counter(token)
    evenness = -sum(n / len(token) * math.log2(n / len(token)) for n in counts.values())
    # Random text of this length uses nearly as many characters evenly as it can.
    return len(token) * min(math.log2(alphabet), evenness * 1.3)


def gateways_finding(
    reached: Sequence[GatewayReach], public: Sequence[str], shell: Shell
) -> DoctorFinding:
    """`public` are this host's own addresses that the internet knows."""
    open_ones = [each for each in reached if not each.here_only]
    seen = _who_reaches(reached, open_ones)
    weak = [each for each in open_ones if token_bits(each.token) < _ENOUGH_BITS]
    if weak:
        guessed = any(token_bits(each.token) < _GUESSED_BITS for each in weak)
        verdict = GATEWAYS.bad if guessed else GATEWAYS.warning
        return verdict(
            f"{listed([f'{each.label} has {_strength(each.token)}' for each in weak])}. {seen}",
            _ANOTHER_ONE % weak[0].label,
            shell.deploy_agent("rotate-token", weak[0].deployment_id),
        )
    if shared := _shared_token(open_ones):
        return GATEWAYS.warning(
            f"{listed([each.label for each in shared])} have the same token. {seen}",
            _ANOTHER_ONE % shared[-1].label,
            shell.deploy_agent("rotate-token", shared[-1].deployment_id),
        )
    if open_ones and public:
        return GATEWAYS.warning(
            f"This host has the internet address {listed(public)}. {seen}",
            "Chats and tokens cross the internet in clear text. Publish gateways for this host"
            f" alone and put a proxy with TLS before them. {shell.setting_words}",
            shell.setting("BIND_ADDRESS", "127.0.0.1"),
        )
    return GATEWAYS.good(f"{seen} {'Every token is strong.' if reached else ''}".strip())


_ANOTHER_ONE = "Give %s another one; its clients have to learn it."


def _who_reaches(reached: Sequence[GatewayReach], open_ones: Sequence[GatewayReach]) -> str:
    if not reached:
        return "There is none yet."
    if not open_ones:
        return f"{counted(len(reached), 'deployment is', 'deployments are')} for this host alone."
    running = sum(each.runs for each in open_ones)
    return (
        f"{len(open_ones)} of {counted(len(reached), 'deployment')} can be reached from other"
        f" machines when they run; {_now(running)}."
    )


def _now(running: int) -> str:
    if not running:
        return "none does now"
    return f"{running} {'does' if running == 1 else 'do'} now"


def _strength(token: str) -> str:
    if not token:
        return "no token"
    return "a token that can be guessed" if token_bits(token) < _GUESSED_BITS else "a weak token"


def _shared_token(reached: Sequence[GatewayReach]) -> list[GatewayReach]:
    counts = Counter(each.token for each in reached)
    return [each for each in reached if counts[each.token] > 1]


def page_finding(page: PageFacts, shell: Shell) -> DoctorFinding:
    if page.here_only and not page.proxied and not page.has_users:
        return PAGE.good(
            f"It is at {page.address}, for this machine alone; whoever is at it may do everything."
        )
    if not page.has_users:
        return PAGE.warning(
            f"It is at {page.address}, and nobody has an account yet.",
            "Add the first operator; the line asks for a password.",
            shell.deploy_agent("user", "add", "admin"),
        )
    if page.public and not page.here_only and not page.proxied:
        return PAGE.warning(
            f"It is at {page.address} without TLS, and this host has the internet address"
            f" {listed(page.public)}.",
            f"Passwords cross the internet in clear text. Put a proxy with TLS before it."
            f" {shell.setting_words}",
            shell.setting("HOST", "127.0.0.1"),
        )
    reach = "for this machine alone" if page.here_only else "for other machines too"
    return PAGE.good(f"It is at {page.address}, {reach}, and everybody has to log in.")
