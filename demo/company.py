"""The twelve gateways of a small company: names, settings, faults."""

from datetime import timedelta
from typing import Any

from app.core.status.status import Status
from demo.fleet import WATCHFUL, Wanted

STANDIN = "deploy-agent-standin"
# Tags of the stand-in, named after the OpenClaw version that it reports.
CURRENT, OLDER = "2026.9.6", "2026.8.2"

CLAUDE = "openrouter/anthropic/claude-sonnet-4.5"
GPT = "openrouter/openai/gpt-5-mini"
GEMINI = "openrouter/google/gemini-2.5-pro"
MODELS = tuple(each.removeprefix("openrouter/") for each in (CLAUDE, GPT, GEMINI))
# The name of the deployment with two pairing requests.
ASKED = "Support bot"
BROKEN = "Night shift"
# The host name that gateways use for the stand-in of OpenRouter.
PROXY = "openrouter-proxy"

_LIMITS = "    mem_limit:"


def company(proxy_address: str, proxy_port: int) -> list[Wanted]:
    """Return the deployments. Their provider listens at this host's `proxy_address`."""
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
