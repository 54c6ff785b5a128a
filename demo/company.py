"""The twelve gateways of a small company: what they are called, and what ails some of them."""

from datetime import timedelta
from typing import Any

from app.core.status.status import Status
from demo.fleet import WATCHFUL, Wanted

STANDIN = "deploy-agent-standin"
# Of its tags, those of the versions of OpenClaw that it speaks as.
CURRENT, OLDER = "2026.9.6", "2026.8.2"

CLAUDE = "openrouter/anthropic/claude-sonnet-4.5"
GPT = "openrouter/openai/gpt-5-mini"
GEMINI = "openrouter/google/gemini-2.5-pro"
MODELS = tuple(each.removeprefix("openrouter/") for each in (CLAUDE, GPT, GEMINI))
# At this one, two colleagues wait to be let in.
ASKED = "Support bot"
BROKEN = "Night shift"
# The name under which gateways know the company's way to OpenRouter.
PROXY = "openrouter-proxy"

_LIMITS = "    mem_limit:"


def company(proxy_address: str, proxy_port: int) -> list[Wanted]:
    """Return the deployments; their provider is at that address of this host."""
    url = f"http://{PROXY}:{proxy_port}/api/v1"
    hosts = {_LIMITS: f'    extra_hosts:\n      - "{PROXY}:{proxy_address}"\n{_LIMITS}'}

    def one(name: str, model: str, status: Status = Status.RUNNING, **more: Any) -> Wanted:
        fields = {"model": model, "openrouter_base_url": url, **more.pop("fields", {})}
        edits = {**hosts, **more.pop("edits", {})}
        return Wanted(name, status, fields=fields, edits=edits, **more)

    return [
        one(ASKED, CLAUDE, past=timedelta(days=1, hours=3)),
        one("Sales", GPT),
        one("Customer onboarding, Rotterdam and Antwerp", CLAUDE),
        one("Research", GEMINI, by="chris"),
        one("Release notes", GPT, by="chris", fields={"image": f"{STANDIN}:{OLDER}"}),
        one(
            BROKEN,
            CLAUDE,
            Status.FAILED,
            fault="npm-missing",
            past=timedelta(days=2),
            ago=timedelta(hours=3, minutes=12),
        ),
        one("Invoices", GPT, Status.RESTARTING, fault="crash:1"),
        one("Old FAQ bot", GPT, Status.INVALID, by="bea", fields={"image": f"{STANDIN}:{OLDER}"}),
        one("Warehouse", GEMINI, Status.UNHEALTHY, fault="never-healthy", edits=WATCHFUL),
        one("Meeting notes", GEMINI, Status.LAUNCHING, fault="slow-start:3000", by="bea"),
        one("Recruiting", CLAUDE, Status.STOPPED, ago=timedelta(hours=2)),
        one("Press desk", GPT, Status.CONFIGURED, by="bea"),
    ]
